#!/bin/bash
# certs/pki: what it makes is what OpenSSL's own verification admits and refuses.
set -uo pipefail
export LC_ALL=C

pki=${srcdir:-.}/certs/pki
work=$(mktemp -d "${TMPDIR:-/tmp}/muengsten-pki-XXXXXX")
trap 'rm -rf "$work"' EXIT
made=$work/made
number=0

# proves SENTENCE COMMAND...: the command succeeds.
proves()
{
    local sentence=$1 said
    shift
    number=$((number + 1))
    if said=$("$@" 2>&1); then
        echo "ok $number - pki: $sentence"
    else
        echo "not ok $number - pki: $sentence"
        printf '# %s\n' "$*" "${said//$'\n'/ }"
    fi
}

# verdict NAME: what openssl says of NAME.pem, as one word or error number.
verdict()
{
    local said
    said=$(openssl verify -x509_strict -auth_level 2 -crl_check_all -CAfile "$made/authorities.pem" \
        -CRLfile "$made/revocation.pem" "$made/$1.pem" 2>&1) && echo good && return
    sed -n 's/^error \([0-9]*\) at .*/\1/p' <<<"$said" | head -n 1
}

is()
{
    [[ $(verdict "$1") == "$2" ]] || { echo "$1: $(verdict "$1") instead of $2"; return 1; }
}

refuses()
{
    ! "$@"
}

all_are_good()
{
    local name
    for name in gateway-tls gateway-seal {a,bee}-{portal,planning,registry}-{tls,signing}; do
        is "$name" good || return 1
    done
}

keys_are_private()
{
    local file
    for file in "$made"/*.key "$made"/authority/*/ca.key; do
        [[ $(stat -c %a "$file") == 600 ]] || return 1
    done
}

keys_match()
{
    local file
    for file in "$made"/*.key; do
        [[ $(openssl pkey -in "$file" -pubout) == \
            $(openssl x509 -in "${file%.key}.pem" -noout -pubkey) ]] || return 1
    done
}

subject_is()
{
    [[ $(openssl x509 -in "$made/$1.pem" -noout -subject -nameopt RFC2253) == "subject=$2" ]]
}

has()
{
    openssl x509 -in "$made/$1.pem" -noout -text | grep -q -- "$2"
}

lists_are_complete()
{
    [[ $(grep -c 'BEGIN X509 CRL' "$made/revocation.pem") == 4 ]]
}

same_as_before()
{
    [[ $(sha256sum <"$made/authorities.pem") == "$before" ]]
}

echo 1..22
proves 'init makes everything' "$pki" init "$made" --city a --city bee
proves 'what it makes is good' all_are_good
proves 'keys are readable by their owner alone' keys_are_private
proves 'each key belongs to its certificate' keys_match
proves 'every authority has a list' lists_are_complete
proves 'the first city has a revoked system' is a-revoked-tls 23
proves 'and its signing certificate is revoked too' is a-revoked-signing 23
proves 'a subject names system and city' \
    subject_is bee-portal-signing 'CN=portal.bee.example signing,O=Stadt Bee,C=DE'
proves 'the gateway is found under its names' has gateway-tls 'DNS:gateway.muengsten.example'
before=$(sha256sum <"$made/authorities.pem")
proves 'init leaves an existing PKI alone' refuses "$pki" init "$made"
proves 'and nothing of it changed' same_as_before
proves 'issue makes a further system' "$pki" issue "$made" bee archive
proves 'which is good' is bee-archive-signing good
proves 'issue leaves existing certificates alone' refuses "$pki" issue "$made" bee archive
"$pki" issue "$made" a old --not-before '2 days ago' --not-after '1 day ago'
proves 'a certificate can be expired' is a-old-tls 10
"$pki" issue "$made" a young --not-before '+1 day'
proves 'a certificate can be not yet valid' is a-young-tls 9
"$pki" issue "$made" a weak --use signing --algorithm rsa1024
proves 'a certificate can be too weak' is a-weak-signing 66
"$pki" issue "$made" a curve --use signing --algorithm brainpoolP256r1
proves 'a certificate can be on a brainpool curve' has a-curve-signing brainpoolP256r1
proves 'revoke enters a certificate in the list' "$pki" revoke "$made" bee-archive-tls
proves 'and it is revoked' is bee-archive-tls 23
"$pki" renew-lists "$made" --next-update '1 hour ago'
proves 'lists can be stale' is bee-portal-tls 12
"$pki" renew-lists "$made"
proves 'and renewed' is bee-portal-tls good
