# shellcheck shell=bash
# lib: what ./demo and ./check have in common: showing progress, and installing what is missing. $source is the
# root of the source tree.
source=${source:?}

if [ -t 1 ]; then
    bold=$(printf '\033[1m') green=$(printf '\033[32m') red=$(printf '\033[31m')
    dim=$(printf '\033[2m') plain=$(printf '\033[0m')
else
    bold='' green='' red='' dim='' plain=''
fi
export bold green red dim plain

# Prints a line of progress: a title, and what became of it.
tell() {
    printf '  %-46s %s\n' "$1" "$2"
}

# progress TITLE LOG COMMAND...: runs a command with its output in LOG, and shows that it still runs: on a
# terminal by counting seconds, elsewhere by a line now and then. If it fails, shows the end of its output.
progress() {
    local title=$1 log=$2 start=$SECONDS status=0 shown=0 seconds pid
    shift 2
    "$@" >>"$log" 2>&1 </dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        seconds=$((SECONDS - start))
        if [ -t 1 ]; then
            printf '\r  %-46s %s%d s%s' "$title" "$dim" "$seconds" "$plain"
        elif [ $((seconds / 15)) -gt "$shown" ]; then
            shown=$((seconds / 15))
            tell "$title …" "$seconds s: $(tail -n 1 "$log" | tr -d '\r' | cut -c 1-60)"
        fi
        sleep 0.2
    done
    wait "$pid" || status=$?
    if [ -t 1 ]; then printf '\r\033[K'; fi
    if [ "$status" -eq 0 ]; then
        tell "$title" "$((SECONDS - start)) s"
    else
        tell "$title" "${red}failed${plain} after $((SECONDS - start)) s; the end of $log:"
        tail -n 40 "$log" | sed 's/^/    | /'
    fi
    return "$status"
}

# The packages of these groups of tests/packages that are not installed, and that no installed one provides.
missing_packages() {
    local group
    comm -23 <(for group in "$@"; do
        sed -n "s/^$group: //p" "$source/tests/packages" | tr ' ' '\n'
    done | sort -u) <(dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' |
        sed -n 's/^installed //p' | tr ',' '\n' | sed 's/ (.*//; s/ //g' | sort -u)
}

# A script that runs a command which installs packages, none of which may start a server meanwhile: Debian's
# packages ask /usr/sbin/policy-rc.d (101: no). Where there is one, its owner has decided.
# shellcheck disable=SC2016 # the other shell expands it
without_starting='
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap "rm -f $policy" EXIT
        printf "#!/bin/sh\nexit 101\n" >"$policy"
        chmod 755 "$policy"
    fi
    "$@"'

# Keeps the servers among these packages from running after the next start of the machine.
disable_servers() { # PACKAGE...
    local name units
    command -v systemctl >/dev/null || return 0
    for name in "$@"; do
        if sed -n 's/^servers: //p' "$source/tests/packages" | tr ' ' '\n' | grep -qx "$name"; then
            mapfile -t units < <(dpkg-query -L "$name" | sed -nE 's#.*/systemd/system/([^/@]+\.(service|socket))$#\1#p')
            if [ "${#units[@]}" -gt 0 ]; then
                "${as_root[@]}" systemctl disable --quiet "${units[@]}"
            fi
        fi
    done
    return 0
}

# install_missing LOG GROUP...: installs what is missing of these groups.
install_missing() {
    local log=$1 missing as_root=()
    shift
    if ! command -v dpkg-query >/dev/null; then
        tell "packages" "this is no Debian: tests/packages lists what has to be there"
        return 0
    fi
    mapfile -t missing < <(missing_packages "$@")
    if [ "${#missing[@]}" -eq 0 ]; then
        tell "packages" "all there"
        return 0
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null || ! sudo -v; then
            echo "These packages are missing, and only root can install them:" >&2
            echo "    apt-get install --no-install-recommends ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    progress "looking for packages" "$log" "${as_root[@]}" apt-get update -q
    progress "installing ${#missing[@]} packages" "$log" "${as_root[@]}" \
        env DEBIAN_FRONTEND=noninteractive sh -c "$without_starting" sh \
        apt-get install -q -y --no-install-recommends "${missing[@]}" || return
    disable_servers "${missing[@]}"
}

# Makes ./configure if it is missing or older than what it is made from. An earlier build inside the source tree
# would be in the way of those outside of it.
prepare_source() {
    local log=$1 configure=$source/configure
    if [ -e "$source/config.status" ]; then
        echo "The source tree itself is configured, so that nothing can be built outside of it." >&2
        echo "Run 'make distclean' there first." >&2
        return 1
    fi
    if [ ! -x "$configure" ] || [ ! -e "$source/Makefile.in" ] || [ -n "$(find "$source" \
        \( -path "$source/build" -o -name .git \) -prune -o \
        \( -name room.mk -o -name Makefile.am -o -name configure.ac \) -newer "$source/Makefile.in" \
        -print -quit)" ]; then
        progress "making ./configure" "$log" "$source/autogen.sh"
    fi
}

# configure_in FOLDER ARGUMENT...: configures a build in a folder, if it is not yet.
configure_in() {
    local folder=$1
    shift
    mkdir -p "$folder"
    cd "$folder" || return
    if [ ! -e config.status ] || [ "$source/configure" -nt config.status ]; then
        "$source/configure" --quiet "$@"
    fi
}
