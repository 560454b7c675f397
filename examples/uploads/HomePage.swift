import PostludeExamplePages

extension UploadsApplication {
    /// `GET /`: a form to upload from.
    func home() -> ExamplePage {
        ExamplePage(
            title: "Uploads",
            content: """
                <p>An upload is answered as soon as the file and its tasks are on the disk. Its checksum and its thumbnail are
                made after the answer, whatever becomes of the process; an event stream tells this page when they are there.</p>
                <form class="card" method="post" action="/upload" enctype="multipart/form-data">
                <p><label for="title">Title</label>
                <input id="title" name="title" required maxlength="100" autocomplete="off"></p>
                <p><label for="file">File <small>At most 32 MiB; a PNG or JPEG image gets a thumbnail</small></label>
                <input id="file" name="file" type="file" required></p>
                <p><button class="main">Upload</button> <progress hidden max="1" value="0" aria-label="Upload"></progress></p>
                <p id="message" role="status"></p>
                </form>
                <section aria-labelledby="uploads-heading" hidden>
                <h2 id="uploads-heading">Your uploads</h2>
                <ol id="uploads"></ol>
                </section>
                <template>
                <li class="card">
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
                """, style: HomePage.style, script: HomePage.script)
    }
}
