/// A value whose members have their places in the names of a form's fields, as Rails, PHP and ASP.NET write them.
///
/// ```swift
/// struct Registration: Decodable {
///     struct Address: Decodable {
///         var city: String
///     }
///
///     var name: String
///     var address: Address       // address[city]=Oslo or address.city=Oslo
///     var tags: [String]         // tags[]=a&tags[]=b or tags=a&tags=b
///     var pets: [[String: String]]  // pets[0][name]=Rex or pets[0].name=Rex
/// }
///
/// func register(form: Form<NestedKeys<Registration>>) -> String { form.address.city }
/// ```
///
/// It is for ``Form``, ``Query`` and ``Multipart``. Without it, the names of fields are the names of properties as they are.
///
/// The elements of a list are in the order of their indices, which are at most 999, and of which some may be missing. A name has
/// at most 8 steps. A name that cannot be read, is deeper, or stands for a value and for members at the same time is answered
/// with 422, and so is `pets[][name]`, which does not say which of the pets has the name.
@dynamicMemberLookup
public struct NestedKeys<Value: Decodable>: Decodable {
    /// The decoded value.
    public let value: Value

    public init(from decoder: any Decoder) throws {
        value = try (decoder as? any FormDecoder)?.tree().decodeValue(Value.self) ?? Value(from: decoder)
    }

    /// A member of the value.
    @inlinable
    public subscript<Member>(dynamicMember keyPath: KeyPath<Value, Member>) -> Member {
        value[keyPath: keyPath]
    }
}

extension NestedKeys: Sendable where Value: Sendable {}
