"""signing: makes XML signatures, honest and hostile ones, without the code under test.

Every piece is chosen by the caller: the references, algorithms, the certificate shown, the value. Keys are
used through OpenSSL's libcrypto. What is signed here has been checked with the xmlsec1 command, so that a
hostile shape is one that a careless verifier would take.
"""

import base64
import ctypes
import hashlib
import hmac
import subprocess

DSIG = "http://www.w3.org/2000/09/xmldsig#"
DSIG_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
XMLENC = "http://www.w3.org/2001/04/xmlenc#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INCLUSIVE_WITH_COMMENTS = INCLUSIVE + "#WithComments"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DSIG + "enveloped-signature"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"

DIGESTS = {
    "sha1": DSIG + "sha1",
    "sha256": XMLENC + "sha256",
    "sha384": DSIG_MORE + "sha384",
    "sha512": XMLENC + "sha512",
}

_crypto = ctypes.CDLL("libcrypto.so.3")
for _name in ("BIO_new_file", "PEM_read_bio_PrivateKey", "EVP_MD_CTX_new", "EVP_get_digestbyname"):
    getattr(_crypto, _name).restype = ctypes.c_void_p


class Signer:
    """A private key with its certificate."""

    def __init__(self, certificate, key):
        self.certificate = certificate
        bio = ctypes.c_void_p(_crypto.BIO_new_file(str(key).encode(), b"r"))
        self.key = ctypes.c_void_p(_crypto.PEM_read_bio_PrivateKey(bio, None, None, None))
        _crypto.BIO_free(bio)
        if not self.key:
            raise ValueError(f"no private key in {key}")
        self.bits = _crypto.EVP_PKEY_get_bits(self.key)
        self.kind = "rsa" if _crypto.EVP_PKEY_get_base_id(self.key) == 6 else "ecdsa"

    def method(self, digest):
        """The URI of the signature method with that digest."""
        if (self.kind, digest) == ("rsa", "sha1"):
            return DSIG + "rsa-sha1"
        return f"{DSIG_MORE}{self.kind}-{digest}"

    def value(self, data, digest):
        """The signature of the data in the form of XML Signature: r and s side by side for ECDSA."""
        context = ctypes.c_void_p(_crypto.EVP_MD_CTX_new())
        kind = ctypes.c_void_p(_crypto.EVP_get_digestbyname(digest.encode()))
        length = ctypes.c_size_t(1024)
        signature = ctypes.create_string_buffer(length.value)
        good = _crypto.EVP_DigestSignInit(context, None, kind, None, self.key) == 1
        good = good and _crypto.EVP_DigestSign(
            context, signature, ctypes.byref(length), data, ctypes.c_size_t(len(data))) == 1
        _crypto.EVP_MD_CTX_free(context)
        if not good:
            raise ValueError("libcrypto does not sign with this key")
        raw = signature.raw[:length.value]
        return raw if self.kind == "rsa" else _flat(raw, (self.bits + 7) // 8)

    def shown(self):
        """The certificate as KeyInfo carries it."""
        return certificate_base64(self.certificate)


def _flat(der, size):
    """r and s of a DER ECDSA-Sig-Value, each at its full size (RFC 4050)."""
    position = 2 if der[1] < 0x80 else 3
    numbers = []
    for _ in range(2):
        length = der[position + 1]
        numbers.append(int.from_bytes(der[position + 2:position + 2 + length], "big"))
        position += 2 + length
    return b"".join(number.to_bytes(size, "big") for number in numbers)


def certificate_base64(path):
    """The first certificate of a PEM file, without the lines around it."""
    text = open(path, encoding="ascii").read()
    return "".join(text.split("-----BEGIN CERTIFICATE-----")[1]
                   .split("-----END CERTIFICATE-----")[0].split())


def digest_base64(data, digest="sha256"):
    data = data.encode() if isinstance(data, str) else data
    return base64.b64encode(hashlib.new(digest, data).digest()).decode()


def transform(algorithm, inside=""):
    return f'<ds:Transform Algorithm="{algorithm}">{inside}</ds:Transform>'


def reference(uri, data, transforms=(ENVELOPED, INCLUSIVE), digest="sha256", attributes=""):
    """A ds:Reference in canonical form over the octets that its transforms would give."""
    listed = "".join(t if t.startswith("<") else transform(t) for t in transforms)
    if listed:
        listed = f"<ds:Transforms>{listed}</ds:Transforms>"
    where = "" if uri is None else f' URI="{uri}"'
    return (f"<ds:Reference{attributes}{where}>{listed}"
            f'<ds:DigestMethod Algorithm="{DIGESTS[digest]}"></ds:DigestMethod>'
            f"<ds:DigestValue>{digest_base64(data, digest)}</ds:DigestValue></ds:Reference>")


def signature(signer, references, *, digest="sha256", method=None, value=None, key_info=None,
              objects="", attributes="", canonicalization=EXCLUSIVE, hmac_key=None):
    """A ds:Signature over references. What is not said is done as an honest sender does it."""
    method = method or signer.method(digest)
    inside = (f'<ds:CanonicalizationMethod Algorithm="{canonicalization}">'
              f'</ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="{method}">'
              f'</ds:SignatureMethod>{"".join(references)}')
    canonical = f'<ds:SignedInfo xmlns:ds="{DSIG}">{inside}</ds:SignedInfo>'.encode()
    if hmac_key is not None:
        value = hmac.new(hmac_key, canonical, digest).digest()
    elif value is None:
        value = signer.value(canonical, digest)
    if key_info is None:
        key_info = (f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{signer.shown()}"
                    f"</ds:X509Certificate></ds:X509Data></ds:KeyInfo>")
    return (f'<ds:Signature xmlns:ds="{DSIG}"{attributes}><ds:SignedInfo>{inside}</ds:SignedInfo>'
            f"<ds:SignatureValue>{base64.b64encode(value).decode()}</ds:SignatureValue>"
            f"{key_info}{objects}</ds:Signature>")


def insert(document, *texts):
    """The document with texts in front of its last end tag."""
    end = document.rindex("</")
    return document[:end] + "".join(texts) + document[end:]


def envelop(document, signer, **choices):
    """The signed document; document is in canonical form."""
    digest = choices.get("digest", "sha256")
    return insert(document, signature(signer, [reference("", document, digest=digest)], **choices))


def detach(document, signer, uri="", **choices):
    """A detached signature for a document in canonical form."""
    return signature(signer, [reference(uri, document, transforms=(INCLUSIVE,))], **choices)


def canonical(text):
    """Canonical XML 1.0 by xmllint."""
    data = text.encode() if isinstance(text, str) else text
    return subprocess.run(["xmllint", "--nonet", "--c14n", "-"], input=data, check=True,
                          capture_output=True).stdout.decode()
