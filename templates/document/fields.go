package document

import (
	"slices"
	"strings"
)

const tablePrefix = "table."

// The values each kind of text may name. The lists are closed, so that a mistyped name is found when the texts are
// loaded and not when a licence is about to be signed.
var (
	everywhere = []string{"number", "agreement.number", "foundation.name", "foundation.address", "foundation.country",
		"foundation.email", "licensee.name", "licensee.country", "text.version", "zone", "made"}

	ofLicence = []string{"version", "request.number", "licensee.reached_from", "applicant.name", "applicant.position",
		"signatory.name", "signatory.position", "representative.name", "representative.position", "project.title",
		"project.purpose", "term.from", "term.until", "acknowledgement", "variant.reason", "table.parties",
		"table.datasets", "table.contacts", "table.conditions", "table.signatures"}

	ofAmendment = []string{"agreement.sha256", "requested.by", "requested.position", "requested.at", "reason", "effective",
		"table.decisions"}

	ofContactChange = []string{"contact.name", "table.contact"}

	ofPartyChange = []string{"successor.name", "successor.position", "authority.sha256", "table.succession"}

	ofCertificate = []string{"ended", "bucket", "key", "keys.copies", "table.deleted", "table.steps"}

	ofAttestation = []string{"signatory.name", "signatory.position", "deliveries", "ended", "destroyed", "remarks"}
)

// allowed lists the values that a kind of text may name.
func allowed(kind Kind) []string {
	switch kind {
	case LicenceEEA:
		return slices.Concat(everywhere, ofLicence)
	case LicenceNonEEA:
		return slices.Concat(everywhere, ofLicence, []string{"table.confirmations"})
	case AmendmentExtension:
		return slices.Concat(everywhere, ofAmendment, []string{"term.old", "term.new"})
	case AmendmentContactAdded, AmendmentContactRemoved:
		return slices.Concat(everywhere, ofAmendment, ofContactChange)
	case AmendmentPartyChanged:
		return slices.Concat(everywhere, ofAmendment, ofPartyChange)
	case CertificateDeletion:
		return slices.Concat(everywhere, ofCertificate)
	case AttestationDestruction:
		return slices.Concat(everywhere, ofAttestation)
	}
	return nil
}

// required lists the values a kind of text must name, because the document would not say what it is for without them.
func required(kind Kind) []string {
	switch kind {
	case LicenceEEA:
		return []string{"number", "project.title", "project.purpose", "term.from", "term.until", "acknowledgement",
			"table.parties", "table.datasets", "table.contacts", "table.conditions", "table.signatures"}
	case LicenceNonEEA:
		return append(required(LicenceEEA), "table.confirmations")
	case AmendmentExtension:
		return []string{"agreement.number", "agreement.sha256", "term.old", "term.new", "table.decisions"}
	case AmendmentContactAdded, AmendmentContactRemoved:
		return []string{"agreement.number", "agreement.sha256", "requested.by", "effective", "table.contact"}
	case AmendmentPartyChanged:
		return []string{"agreement.number", "agreement.sha256", "authority.sha256", "effective", "table.succession", "table.decisions"}
	case CertificateDeletion:
		return []string{"number", "agreement.number", "keys.copies", "table.deleted", "table.steps"}
	case AttestationDestruction:
		return []string{"agreement.number", "signatory.name", "deliveries", "destroyed", "remarks"}
	}
	return nil
}

// wordKeys are the words of tables and of the few sentences that depend on data; words.en.json and words.nl.json hold
// them.
var wordKeys = strings.Fields(`
	contents version page and none link
	agreement request variant variant-eea variant-non-eea reason term term-value
	foundation register email licensee reached applicant signatory representative desk-mail
	name position country collection dataset need need-none
	contacts-none conditions-none statement answer confirmed not-confirmed
	part part-before part-after authority signature-room signs-applicant signs-signatory signs-representative
	decided-by decided-as decided-at decisions-none
	delivery files files-shared bytes bucket key ended emptied destroyed bucket-deleted compromised
	step step-at step-verified copies-vault copies-local remarks-none
	on-behalf all-deliveries did-emptied did-emptied-verified did-key did-key-verified did-bucket did-bucket-verified
	reason-eea reason-adequate reason-scope-met reason-scope-met-other-licence reason-scope-not-met reason-review-met reason-review-not-met reason-none`)
