import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import javax.xml.crypto.AlgorithmMethod;
import javax.xml.crypto.KeySelector;
import javax.xml.crypto.KeySelectorException;
import javax.xml.crypto.KeySelectorResult;
import javax.xml.crypto.OctetStreamData;
import javax.xml.crypto.URIDereferencer;
import javax.xml.crypto.XMLCryptoContext;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.crypto.dsig.keyinfo.KeyInfo;
import javax.xml.crypto.dsig.keyinfo.X509Data;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/**
 * Verifies a seal of muengsten with nothing but the JDK, as a receiver would.
 *
 *     java VerifySeal.java AUTHORITIES.pem CONTENT.xml [SEAL.xml]
 *
 * Without SEAL.xml the seal is the ds:Signature that is a child of CONTENT's document element.
 * Prints "valid" and ends with 0, or "invalid: reason" and ends with 1. Secure validation is on: no
 * SHA-1, no XSLT, few references, none to files or the network.
 */
public final class VerifySeal {
    private static final String SEAL = "urn:muengsten:seal:1";

    public static void main(String[] arguments) {
        try {
            if (arguments.length < 2 || arguments.length > 3)
                throw new Exception("usage: VerifySeal AUTHORITIES.pem CONTENT.xml [SEAL.xml]");
            Path seal = arguments.length == 3 ? Path.of(arguments[2]) : null;
            verify(authorities(arguments[0]), Path.of(arguments[1]), seal);
            System.out.println("valid");
        } catch (Exception problem) {
            System.out.println("invalid: " + problem.getMessage());
            System.exit(1);
        }
    }

    private static void verify(List<X509Certificate> authorities, Path content, Path seal)
            throws Exception {
        Document document = parse(seal == null ? content : seal);
        Element signature = seal == null ? childSignature(document) : document.getDocumentElement();
        DOMValidateContext context =
                new DOMValidateContext(new CertificateSelector(authorities), signature);
        context.setProperty("org.jcp.xml.dsig.secureValidation", true);
        registerProperties(context, signature);
        XMLSignatureFactory factory = XMLSignatureFactory.getInstance("DOM");
        if (seal != null)
            context.setURIDereferencer(contentBehindCid(factory.getURIDereferencer(), content));
        XMLSignature parsed = factory.unmarshalXMLSignature(context);
        checkCoverage(parsed, seal == null ? "" : "cid:");
        if (!parsed.validate(context))
            throw new Exception("the signature value or a digest does not match");
    }

    /** A valid signature says nothing if it does not cover the content. */
    private static void checkCoverage(XMLSignature signature, String start) throws Exception {
        for (Object reference : signature.getSignedInfo().getReferences()) {
            String uri = ((Reference) reference).getURI();
            if (start.isEmpty() ? uri.isEmpty() : uri.startsWith(start))
                return;
        }
        throw new Exception("the seal does not cover the content");
    }

    private static Element childSignature(Document document) throws Exception {
        Element found = null;
        Node root = document.getDocumentElement();
        for (Node node = root.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (!XMLSignature.XMLNS.equals(node.getNamespaceURI())
                    || !"Signature".equals(node.getLocalName()))
                continue;
            if (found != null)
                throw new Exception("more than one signature");
            found = (Element) node;
        }
        if (found == null)
            throw new Exception("no signature");
        return found;
    }

    /** Without a DTD nobody knows which attribute is an Id. */
    private static void registerProperties(DOMValidateContext context, Element signature) {
        NodeList properties = signature.getElementsByTagNameNS(SEAL, "Properties");
        for (int i = 0; i < properties.getLength(); i++)
            context.setIdAttributeNS((Element) properties.item(i), null, "Id");
    }

    /** cid: names the other part of the multipart message, here the file with the content. */
    private static URIDereferencer contentBehindCid(URIDereferencer usual, Path content) {
        return (reference, context) -> {
            String uri = reference.getURI();
            if (uri == null || !uri.startsWith("cid:"))
                return usual.dereference(reference, context);
            try {
                return new OctetStreamData(new ByteArrayInputStream(Files.readAllBytes(content)));
            } catch (java.io.IOException problem) {
                throw new javax.xml.crypto.URIReferenceException(problem);
            }
        };
    }

    private static Document parse(Path path) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        return factory.newDocumentBuilder().parse(new File(path.toString()));
    }

    private static List<X509Certificate> authorities(String path) throws Exception {
        List<X509Certificate> all = new ArrayList<>();
        try (InputStream input = Files.newInputStream(Path.of(path))) {
            for (Object one : CertificateFactory.getInstance("X.509").generateCertificates(input))
                all.add((X509Certificate) one);
        }
        return all;
    }

    /** The key of the certificate in KeyInfo, if an authority vouches for it. */
    private static final class CertificateSelector extends KeySelector {
        private final List<X509Certificate> authorities;

        CertificateSelector(List<X509Certificate> authorities) {
            this.authorities = authorities;
        }

        @Override
        public KeySelectorResult select(KeyInfo info, Purpose purpose, AlgorithmMethod method,
                XMLCryptoContext context) throws KeySelectorException {
            if (info == null)
                throw new KeySelectorException("no KeyInfo");
            for (Object part : info.getContent()) {
                if (!(part instanceof X509Data))
                    continue;
                for (Object item : ((X509Data) part).getContent())
                    if (item instanceof X509Certificate)
                        return trusted((X509Certificate) item);
            }
            throw new KeySelectorException("no certificate");
        }

        private KeySelectorResult trusted(X509Certificate certificate) throws KeySelectorException {
            try {
                Set<TrustAnchor> roots = new HashSet<>();
                List<X509Certificate> path = new ArrayList<>(List.of(certificate));
                for (X509Certificate authority : authorities)
                    if (isSelfIssued(authority))
                        roots.add(new TrustAnchor(authority, null));
                for (X509Certificate next = issuer(certificate); next != null && path.size() < 8;
                        next = issuer(next))
                    path.add(next);
                PKIXParameters parameters = new PKIXParameters(roots);
                parameters.setRevocationEnabled(false);
                CertPathValidator.getInstance("PKIX").validate(
                        CertificateFactory.getInstance("X.509").generateCertPath(path), parameters);
            } catch (Exception problem) {
                throw new KeySelectorException("the certificate is not trusted: "
                        + problem.getMessage());
            }
            return certificate::getPublicKey;
        }

        private static boolean isSelfIssued(X509Certificate certificate) {
            return certificate.getIssuerX500Principal().equals(
                    certificate.getSubjectX500Principal());
        }

        /** The intermediate authority that issued a certificate, or null if a root did. */
        private X509Certificate issuer(X509Certificate certificate) {
            for (X509Certificate authority : authorities)
                if (!isSelfIssued(authority) && authority.getSubjectX500Principal().equals(
                        certificate.getIssuerX500Principal()))
                    return authority;
            return null;
        }
    }
}
