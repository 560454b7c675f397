import Postlude

/// The form of `POST /upload`.
struct NewUpload: InputFields {
    @Field(1...100) var title: String
    @Field var file: UploadedFile
}
