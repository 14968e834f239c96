package licensing

import "slices"

// The keys that this package hands to whoever words them for people. A test compares them with the code.
var (
	refusedKeys = []string{
		"accepted-already", "amendment-closed", "amendment-twice", "answers-all", "answers-other-text", "attestation", "authority-large", "authority-missing", "authority-type",
		"collection-exists", "collection-name",
		"collection-placement", "concern-open", "conflict", "contact-bound", "contact-country", "contact-state", "contact-twice", "country",
		"no-paper", "paper-broken", "paper-early", "paper-empty", "paper-future", "paper-known", "paper-large", "paper-nobody",
		"paper-representative", "paper-signed", "paper-type", "paper-unsigned", "paper-waits",
		"dataset-empty", "dataset-exists", "dataset-importing", "dataset-name", "dataset-twice", "dataset-unknown", "destroyed-on", "domain",
		"email", "explanation", "extension-early", "extension-late", "extension-long", "extension-not-later", "extension-open", "extension-past",
		"jurisdiction-changed", "jurisdiction-open", "lang", "latin-needed", "needed", "no-concern", "no-document", "no-key", "no-proposal", "no-stop", "not-answered",
		"not-judged", "not-printable", "not-released", "not-your-part", "nothing-to-judge", "only-amendments", "only-signatory", "other-authority", "other-version", "own-proposal",
		"own-record", "party-bound", "party-first", "party-open", "party-same", "party-staff", "proposal-open", "reason", "recorded-already", "released-already", "reminded-already", "representative",
		"request-closed", "signed-already", "state", "stopped-already", "term-empty", "term-long", "term-order", "term-over", "too-long",
		"unknown-event",
	}
	questionKeys = []string{
		"question.contact", "question.country", "question.domain", "question.jurisdiction", "question.own",
	}
	jurisdictionKeys = []string{
		"jurisdiction.adequate", "jurisdiction.eea", "jurisdiction.none", "jurisdiction.review", "jurisdiction.review-met",
		"jurisdiction.review-not-met", "jurisdiction.scope-met", "jurisdiction.scope-met-other-licence", "jurisdiction.scope-not-met",
		"jurisdiction.scope-open", "jurisdiction.unknown", "scope.ca", "scope.il", "scope.jp", "scope.kr", "scope.us",
	}
	// letterKinds are the kinds of letters that this package posts.
	letterKinds = []string{
		"agreement.attest", "agreement.closed-out", "agreement.closed-out-desk", "agreement.declined", "agreement.declined-desk",
		"agreement.dropped", "agreement.ended", "agreement.ending", "agreement.in-force", "agreement.jurisdiction", "agreement.key-destroyed", "agreement.resumed",
		"agreement.revised", "agreement.sign", "agreement.stopped", "agreement.suspended", "agreement.terminated", "agreement.to-judge",
		"agreement.to-release", "agreement.to-second", "contact.accepted", "contact.asked-receipt", "contact.declined", "contact.invited",
		"paper.receipt", "paper.sent-back", "paper.to-confirm", "paper.void",
		"contact.removed", "contact.removed-receipt", "contact.resumed", "contact.suspended", "contact.to-decide", "contacts.confirm",
		"extension.asked-receipt", "extension.declined", "extension.granted", "extension.to-decide", "extension.to-second", "party.changed", "party.invited", "party.replaced", "party.successor-invited", "party.to-second",
		"request.to-approve", "work.parked",
	}
	taskKinds = []TaskKind{TaskApprove, TaskScope, TaskRelease, TaskAnswer, TaskJudge, TaskSign, TaskContact, TaskExtension, TaskSecond, TaskStop,
		TaskPaper, TaskEnding, TaskAttest, TaskList, TaskJurisdiction, TaskBind, TaskReplace, TaskTakePart}
)

// MessageKeys lists every key that a page may have to word: refusals, questions, reasons of jurisdiction, tasks, time lines and
// states. The message files must hold them all.
func MessageKeys() []string {
	var keys []string
	for _, k := range refusedKeys {
		keys = append(keys, "refused."+k)
	}
	keys = append(append(keys, questionKeys...), jurisdictionKeys...)
	for _, k := range taskKinds {
		keys = append(keys, "task."+string(k))
	}
	for kind := range requestEvents {
		keys = append(keys, "timeline."+kind)
	}
	for kind := range agreementEvents {
		keys = append(keys, "timeline."+kind)
	}
	for _, s := range RequestStates() {
		keys = append(keys, "request-state."+string(s))
	}
	for _, s := range AgreementStates() {
		keys = append(keys, "agreement-state."+string(s))
	}
	slices.Sort(keys)
	return keys
}

// LetterKinds lists the kinds of letters that this package posts; those of package account stand behind "account.".
func LetterKinds() []string { return slices.Clone(letterKinds) }
