/// The fields that every workspace has, by kind of record. Labels are those of the French offices that use them.
enum BuiltInFields {
  static func of(_ kind: RecordKind) -> [FieldDefinition] {
    var fields = [computed("id", "Numéro", .integer)]
    if !kind.isLine { fields.append(open("key", "Clé", .text)) }
    return fields + own(kind)
  }

  /// A field that people and scripts write.
  private static func open(
    _ key: String, _ label: String, _ type: FieldType, aliases: [String] = []
  ) -> FieldDefinition {
    FieldDefinition(key: key, label: label, type: type, isBuiltIn: true, aliases: aliases)
  }

  /// An open field that a record can't be without.
  private static func required(_ key: String, _ label: String, _ type: FieldType) -> FieldDefinition
  {
    FieldDefinition(key: key, label: label, type: type, isBuiltIn: true, isRequired: true)
  }

  /// A field that follows from what was done, and that nobody writes directly.
  private static func computed(_ key: String, _ label: String, _ type: FieldType) -> FieldDefinition
  {
    FieldDefinition(
      key: key, label: label, type: type, filler: .automation, isBuiltIn: true, isWritable: false)
  }

  private static func own(_ kind: RecordKind) -> [FieldDefinition] {
    switch kind {
    case .user:
      [required("name", "Nom", .text), required("email", "E-mail", .email)]
    case .organization:
      [
        required("name", "Nom", .text), open("address", "Adresse", .address),
        open("siret", "SIRET", .siret),
        open("vat_number", "N° de TVA", .vatNumber),
      ]
    case .person:
      [
        open("first_name", "Prénom", .text), open("last_name", "Nom", .text),
        computed("name", "Nom complet", .text), open("email", "E-mail", .email),
        open("address", "Adresse", .address), open("job_title", "Fonction", .text),
        open("organization", "Organisation", .record(.organization), aliases: ["Organization"]),
      ]
    case .product:
      [
        required("name", "Nom", .text), open("description", "Description", .longText),
        open("price", "Prix de vente", .money, aliases: ["Prix"]),
        open("vat_rate", "Taux de TVA", .percent),
        open("sales_category", "Catégorie de vente", .text),
        open("category", "Catégorie", .text), open("class", "Classe", .text),
      ]
    case .pipeline:
      [required("name", "Nom", .text), computed("stages", "Étapes", .records(.stage))]
    case .stage:
      [
        required("name", "Nom", .text), computed("pipeline", "Pipeline", .record(.pipeline)),
        computed("position", "Position", .integer),
      ]
    case .deal: deal
    case .dealLine:
      [
        computed("deal", "Opportunité", .record(.deal)), computed("position", "Position", .integer),
        open("product", "Produit", .record(.product)), open("quantity", "Quantité", .decimal),
        open("price", "Prix", .money), open("discount", "Remise", .discount),
        computed("vat_rate", "Taux de TVA", .percent), computed("total", "Total HT", .money),
      ]
    case .note:
      [
        computed("deal", "Opportunité", .record(.deal)), open("text", "Texte", .longText),
        open("pinned", "Épinglée", .boolean), computed("created_at", "Créée le", .instant),
        computed("author", "Auteur", .record(.user)),
      ]
    case .quote: quote
    case .quoteLine:
      [
        computed("quote", "Devis", .record(.quote)), computed("position", "Position", .integer),
        computed("description", "Description", .longText),
        computed("quantity", "Quantité", .decimal),
        computed("price", "Prix", .money), computed("discount", "Remise", .discount),
        computed("vat_rate", "Taux de TVA", .percent), computed("total", "Total HT", .money),
      ]
    case .card:
      [
        computed("deal", "Opportunité", .record(.deal)), computed("list", "Liste", .text),
        computed("title", "Titre", .text), computed("text", "Texte", .longText),
        computed("url", "Lien", .url),
        computed("card_id", "ID", .text), computed("created_at", "Créée le", .instant),
      ]
    case .message:
      [
        computed("recipient", "Destinataire", .record(.user)), computed("text", "Texte", .longText),
        computed("deal", "Opportunité", .record(.deal)),
        computed("created_at", "Envoyé le", .instant),
      ]
    case .folder:
      [
        computed("name", "Nom", .text), computed("parent", "Dossier parent", .record(.folder)),
        computed("person", "Contact", .record(.person)), computed("path", "Chemin", .text),
        computed("url", "Lien", .url), computed("created_at", "Créé le", .instant),
      ]
    case .document:
      [
        computed("title", "Titre", .text), computed("name", "Nom du fichier", .text),
        computed("deal", "Opportunité", .record(.deal)), computed("folder", "Dossier", .record(.folder)),
        computed("template", "Modèle", .text), computed("path", "Chemin", .text),
        computed("content_type", "Type", .text), computed("size", "Taille", .integer),
        computed("sha256", "SHA-256", .text), computed("url", "Lien", .url),
        computed("created_at", "Créé le", .instant),
      ]
    case .signatureRequest:
      [
        computed("title", "Titre", .text), computed("deal", "Opportunité", .record(.deal)),
        computed("state", "État", .choice(SignatureState.allCases.map(\.rawValue))),
        computed("document", "Document envoyé", .record(.document)),
        computed("signer", "Signataire", .record(.person)), computed("signer_name", "Nom du signataire", .text),
        computed("signer_email", "E-mail du signataire", .email), computed("url", "Lien", .url),
        computed("sent_at", "Envoyée le", .instant), computed("viewed_at", "Vue le", .instant),
        computed("closed_at", "Close le", .instant), computed("reason", "Motif", .text),
        computed("signed_document", "Document signé", .record(.document)),
      ]
    case .email:
      [
        computed("recipients", "Destinataires", .texts), computed("subject", "Objet", .text),
        computed("text", "Texte", .longText), computed("deal", "Opportunité", .record(.deal)),
        computed("path", "Chemin", .text), computed("created_at", "Écrit le", .instant),
      ]
    }
  }

  private static var deal: [FieldDefinition] {
    [
      required("title", "Titre", .text), computed("pipeline", "Pipeline", .record(.pipeline)),
      computed("stage", "Étape", .record(.stage)),
      computed("status", "Statut", .choice(DealStatus.allCases.map(\.rawValue))),
      computed("archived", "Archivée", .boolean),
      open("owner", "Référent commercial", .record(.user), aliases: ["Propriétaire"]),
      open("organization", "Organisation", .record(.organization)),
      open("person", "Contact", .record(.person), aliases: ["Personne"]),
      open("email", "E-mail de l'opportunité", .email),
      computed("created_at", "Créée le", .instant), computed("closed_at", "Close le", .instant),
      computed("total", "Total HT", .money), computed("lines", "Produits", .records(.dealLine)),
      computed("participants", "Participants", .records(.person)),
      computed("notes", "Notes", .records(.note)),
      computed("quotes", "Devis", .records(.quote)), computed("cards", "Cartes", .records(.card)),
      computed("messages", "Messages", .records(.message)),
      computed("documents", "Documents", .records(.document)),
      computed("signatures", "Signatures", .records(.signatureRequest)),
      computed("emails", "E-mails", .records(.email)),
    ]
  }

  private static var quote: [FieldDefinition] {
    [
      computed("number", "Numéro de devis", .text), computed("deal", "Opportunité", .record(.deal)),
      computed("status", "Statut", .choice(QuoteStatus.allCases.map(\.rawValue))),
      computed("url", "Lien", .url),
      computed("total", "Total TTC", .money), computed("total_without_tax", "Total HT", .money),
      computed("total_tax", "TVA", .money), computed("created_at", "Créé le", .instant),
      computed("lines", "Lignes", .records(.quoteLine)),
      computed("totals", "Totaux par taux", .objects),
      computed("customer_name", "Client", .text),
      computed("customer_address", "Adresse du client", .address),
      computed("customer_siret", "SIRET du client", .siret),
    ]
  }
}

/// Where a request for a signature stands.
public enum SignatureState: String, CaseIterable, Hashable, Sendable {
  case sent
  /// The signer has opened it.
  case viewed
  case signed
  case declined
  /// Nobody signed in time.
  case expired
  /// Taken back: a later request took its place, or the run that waited for it was cancelled.
  case cancelled

  /// Whether it can still be signed.
  public var isOpen: Bool { self == .sent || self == .viewed }
}

/// Where a quote stands.
public enum QuoteStatus: String, CaseIterable, Hashable, Sendable {
  case draft
  case sent
  case accepted
  case refused
  /// Another quote of the same deal took its place (ALT-10).
  case replaced
  case cancelled
}
