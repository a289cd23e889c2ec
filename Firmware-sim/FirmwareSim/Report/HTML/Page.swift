import Crypto
import Foundation

/// The frame of a page: one file that needs no other, and that a browser forbids to load anything.
enum Page {
    /// - Returns: HTML that is well-formed XML too.
    static func render(title: String, body: Markup) -> String {
        let page: Markup = """
            <!DOCTYPE html>
            <html lang="en" xmlns="http://www.w3.org/1999/xhtml">
            <head>
            <meta charset="utf-8"/>
            <meta http-equiv="Content-Security-Policy" content="\(data: policy)"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <meta name="referrer" content="no-referrer"/>
            <title>\(title)</title>
            <style>\(trusted: PageStyle.text)</style>
            </head>
            <body>
            <main>
            \(body)</main>
            <script>\(trusted: PageScript.text)</script>
            </body>
            </html>

            """
        return page.text
    }

    /// Only this style sheet and this script, by their SHA-256 (CSP level 3 section 2.3.1), and nothing from elsewhere.
    private static let policy =
        "default-src 'none'; style-src '\(hash(PageStyle.text))'; script-src '\(hash(PageScript.text))'; "
        + "base-uri 'none'; form-action 'none'"

    private static func hash(_ text: String) -> String {
        "sha256-" + Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString()
    }
}
