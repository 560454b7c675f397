import Postlude

extension UploadsApplication {
    /// `GET /`: a form to upload from. The page is one file, without anything from elsewhere.
    func home() -> Response { .html(HomePage.html) }
}

enum HomePage {
    static let html = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Uploads: a Postlude example</title>
        <style>\(style)</style>
        </head>
        <body>
        <main>
        <h1>Uploads</h1>
        <p>An upload is answered as soon as the file has arrived. Its checksum and its thumbnail are made after the
        answer, by tasks on the worker that gave it; this page asks until they are done.</p>
        <form method="post" action="/upload" enctype="multipart/form-data">
        <p><label for="title">Title</label>
        <input id="title" name="title" required maxlength="100" autocomplete="off"></p>
        <p><label for="file">File <small>At most 32 MiB; a PNG or JPEG image gets a thumbnail</small></label>
        <input id="file" name="file" type="file" required></p>
        <p><button>Upload</button> <progress hidden max="1" value="0" aria-label="Upload"></progress></p>
        <p id="message" role="status"></p>
        </form>
        <section aria-labelledby="uploads-heading" hidden>
        <h2 id="uploads-heading">Your uploads</h2>
        <ol id="uploads"></ol>
        </section>
        <template>
        <li>
        <img alt="" hidden>
        <div>
        <h3></h3>
        <p class="state" role="status"></p>
        <dl>
        <div><dt>File</dt><dd class="filename"></dd></div>
        <div><dt>Size</dt><dd class="size"></dd></div>
        <div><dt>SHA-256</dt><dd class="sha256">…</dd></div>
        </dl>
        </div>
        </li>
        </template>
        </main>
        <script>\(script)</script>
        </body>
        </html>

        """
}
