import Postlude

/// The form that `POST /upload` takes.
struct NewUpload: InputFields {
    @Field(1...100) var title: String
    @Field var file: UploadedFile
}
