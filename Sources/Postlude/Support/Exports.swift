/// Handlers name methods, header fields and statuses: an application imports Postlude alone.
@_exported public import HTTPTypes
