/// Exported, since handlers use methods, header fields and statuses, so that an application imports only Postlude.
@_exported public import HTTPTypes
