import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.pades.validation.PDFDocumentValidator;
import eu.europa.esig.dss.pdf.modifications.DefaultPdfDifferencesFinder;
import eu.europa.esig.dss.pdf.pdfbox.PdfBoxNativeObjectFactory;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.crl.ExternalResourcesCRLSource;
import java.io.File;
import java.io.FileInputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Validates PDF files offline: DssJudge ROOT.der ROOT.crl FILE...
 *
 * One line for each signature, its parts parted by tabs: file, indication, sub-indication, format, reasons.
 */
public final class DssJudge {
  public static void main(String[] given) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    CommonTrustedCertificateSource trusted = new CommonTrustedCertificateSource();
    CertificateToken root = DSSUtils.loadCertificate(new File(given[0]));
    trusted.addCertificate(root);
    CommonCertificateVerifier verifier = new CommonCertificateVerifier(true);
    verifier.setTrustedCertSources(trusted);
    verifier.setCrlSource(new ExternalResourcesCRLSource(new FileInputStream(given[1])));
    for (String file : List.of(given).subList(2, given.length)) {
      SimpleReport report = validator(file, verifier).validateDocument().getSimpleReport();
      for (String id : report.getSignatureIdList()) {
        String reasons =
            report.getAdESValidationErrors(id).stream().map(m -> m.getValue()).collect(Collectors.joining("; "));
        out.println(
            String.join("\t", file, String.valueOf(report.getIndication(id)),
                String.valueOf(report.getSubIndication(id)), String.valueOf(report.getSignatureFormat(id)),
                reasons));
      }
    }
  }

  private static PDFDocumentValidator validator(String file, CommonCertificateVerifier verifier) {
    // Pages are not drawn and compared: what is added to a file shows in its coverage, three times as fast.
    DefaultPdfDifferencesFinder finder = new DefaultPdfDifferencesFinder();
    finder.setMaximalPagesAmountForVisualComparison(0);
    PdfBoxNativeObjectFactory factory = new PdfBoxNativeObjectFactory();
    factory.setPdfDifferencesFinder(finder);
    PDFDocumentValidator validator = new PDFDocumentValidator(new FileDocument(file));
    validator.setPdfObjFactory(factory);
    validator.setCertificateVerifier(verifier);
    return validator;
  }
}
