package licensing

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"

	"sluice/infra/audit"
	"sluice/infra/db"
)

// A Difference is something that the tables say and the log does not.
type Difference struct {
	Subject string // "agreement:…"
	Field   string
	Log     string
	Table   string
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: %s is %q by the log and %q in the tables", d.Subject, d.Field, d.Log, d.Table)
}

// requestEvents and agreementEvents make an empty event of each kind, to decode the log into.
var (
	requestEvents   = kinds[RequestEvent](RequestRecorded{}, RequestRevised{}, ScopeJudged{}, RequestApproved{}, RequestRefused{}, RequestWithdrawn{}, PartyBound{}, InvitationResent{})
	agreementEvents = kinds[AgreementEvent](AgreementDrafted{}, AgreementRevised{}, AgreementReleased{}, ConfirmationsAnswered{}, AgreementOpened{},
		AgreementSigned{}, SignatureDeclined{}, ActionProposed{}, ActionSeconded{}, ActionDropped{}, EmergencyStopped{}, StopConfirmed{},
		ExtensionAsked{}, ContactAsked{}, ContactRemoved{}, AmendmentDecided{}, AmendmentDropped{}, PartyProposed{}, PartyReplaced{}, PartyKept{},
		PartyAccepted{}, ContactBound{}, ContactSuspended{},
		ContactResumed{}, ListConfirmed{}, JurisdictionChanged{}, JurisdictionAnswered{}, AgreementEnded{}, MilestoneReached{}, DestructionAttested{},
		PaperUploaded{}, PaperConfirmed{}, PaperRefused{})
)

func kinds[E interface{ Kind() string }](events ...E) map[string]reflect.Type {
	m := make(map[string]reflect.Type, len(events))
	for _, ev := range events {
		m[ev.Kind()] = reflect.TypeOf(ev)
	}
	return m
}

func decode[E any](types map[string]reflect.Type, b audit.Body) (E, bool, error) {
	var none E
	t, ok := types[b.Kind]
	if !ok {
		return none, false, nil
	}
	v := reflect.New(t)
	if err := json.Unmarshal(b.Data, v.Interface()); err != nil {
		return none, true, fmt.Errorf("%s of %s: %w", b.Kind, b.Subject, err)
	}
	return v.Elem().Interface().(E), true, nil
}

// eventsOf yields what happened to an agreement, oldest first. What the log holds about it besides is left out.
func eventsOf(tx *db.Tx, id AgreementID) iter.Seq2[AgreementEvent, error] {
	return func(yield func(AgreementEvent, error) bool) {
		for e, err := range tx.LogOf("agreement:" + string(id)) {
			ev, known, err := eventIn(e, err)
			if err != nil {
				yield(nil, err)
				return
			}
			if known && !yield(ev, nil) {
				return
			}
		}
	}
}

func eventIn(e audit.Entry, err error) (AgreementEvent, bool, error) {
	if err != nil {
		return nil, false, err
	}
	body, err := e.Decode()
	if err != nil {
		return nil, false, err
	}
	return decode[AgreementEvent](agreementEvents, body)
}

// Replay folds the log through Next and compares what comes out with the tables: state, revision, parties, term, hashes,
// contacts, amendments, and the digests of everything personal that was not erased. A row edited by hand is found.
// An entry that Next refuses is a difference too.
func (r *Registry) Replay(tx *db.Tx, log iter.Seq2[audit.Entry, error]) ([]Difference, error) {
	requests, agreements, digests := map[RequestID]Request{}, map[AgreementID]Agreement{}, map[string]string{}
	kept := map[string]DocumentKept{}
	var found []Difference
	for e, err := range log {
		if err != nil {
			return nil, err
		}
		b, err := e.Decode()
		if err != nil {
			return nil, err
		}
		failed := func(err error) {
			found = append(found, Difference{b.Subject, fmt.Sprintf("entry %d (%s)", e.Seq, b.Kind), "an event that may happen", err.Error()})
		}
		what, id, _ := strings.Cut(b.Subject, ":")
		if what == "request" || what == "agreement" {
			if err := collectDigests(b.Data, digests); err != nil {
				return nil, err
			}
		}
		switch what {
		case "document":
			var ev DocumentKept
			if err := json.Unmarshal(b.Data, &ev); err != nil {
				return nil, err
			}
			kept[id] = ev
		case "request":
			ev, ok, err := decode[RequestEvent](requestEvents, b)
			if err != nil || !ok {
				failed(errors.Join(err, errors.New("a kind that this program does not know")))
				continue
			}
			q := requests[RequestID(id)]
			q.ID = RequestID(id)
			n, err := q.Next(ev, e.At)
			if err != nil {
				failed(err)
				continue
			}
			requests[n.ID] = n
			if bound, ok := ev.(PartyBound); ok {
				bindReplayed(agreements, bound)
			}
		case "agreement":
			ev, ok, err := decode[AgreementEvent](agreementEvents, b)
			if err != nil || !ok {
				failed(errors.Join(err, errors.New("a kind that this program does not know")))
				continue
			}
			a := agreements[AgreementID(id)]
			a.ID = AgreementID(id)
			n, err := a.Next(ev, e.At)
			if err != nil {
				failed(err)
				continue
			}
			agreements[n.ID] = n
			if _, replaced := ev.(PartyReplaced); replaced {
				q := requests[n.Request]
				q.Parties = n.Parties // one table holds them for both
				requests[q.ID] = q
			}
		}
	}
	more, err := r.compare(tx, requests, agreements)
	if err != nil {
		return nil, err
	}
	notes, err := r.compareNotes(tx, digests)
	if err != nil {
		return nil, err
	}
	aside, err := compareAside(tx, digests)
	if err != nil {
		return nil, err
	}
	documents, err := r.compareDocuments(tx, kept)
	return slices.Concat(found, more, notes, aside, documents), err
}

// compareDocuments compares what pages show of documents with what was kept. Their PDFs have their hash for a name.
func (r *Registry) compareDocuments(tx *db.Tx, kept map[string]DocumentKept) ([]Difference, error) {
	rows, err := tx.Query(`SELECT sha256, agreement, text_version, source, html FROM documents ORDER BY sha256`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Difference
	for rows.Next() {
		var hash string
		var row DocumentKept
		var shown Rendered
		if err := rows.Scan(&hash, &row.Agreement, &shown.TextVersion, &shown.Source, &shown.HTML); err != nil {
			return nil, err
		}
		row.Words = shown.words(hash)
		if kept[hash] != row {
			found = append(found, Difference{"document:" + hash, "words of the page", kept[hash].Words, row.Words})
		}
	}
	return found, rows.Err()
}

// collectDigests finds, anywhere in an event, what has an id and a digest.
func collectDigests(data []byte, digests map[string]string) error {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			id, _ := v["id"].(string)
			if d, _ := v["digest"].(string); id != "" && d != "" {
				digests[id] = d
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return nil
}

// compareNotes compares what people wrote with the digests in the log. An erased note has no words.
func (r *Registry) compareNotes(tx *db.Tx, digests map[string]string) ([]Difference, error) {
	rows, err := tx.Query(`SELECT id, subject, salt, digest, body FROM notes ORDER BY at, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Difference
	for rows.Next() {
		var id, subject, salt, stored, body string
		if err := rows.Scan(&id, &subject, &salt, &stored, &body); err != nil {
			return nil, err
		}
		if logged := digests[id]; logged != stored || (body != "" && digest(salt, body) != stored) {
			found = append(found, Difference{subject, "note " + id, logged, stored})
		}
	}
	return found, rows.Err()
}

// bindReplayed tells the agreements of a request which person a party is: their rows share the table of parties.
func bindReplayed(agreements map[AgreementID]Agreement, ev PartyBound) {
	for id, a := range agreements {
		a.Parties = slices.Clone(a.Parties)
		for i := range a.Parties {
			if a.Parties[i].ID == ev.Party {
				a.Parties[i].Person = ev.Person
			}
		}
		agreements[id] = a
	}
}

func (r *Registry) compare(tx *db.Tx, requests map[RequestID]Request, agreements map[AgreementID]Agreement) ([]Difference, error) {
	var found []Difference
	ids, err := db.Many(tx, scanString, `SELECT id FROM requests ORDER BY number`)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		row, err := r.Request(tx, RequestID(id))
		if err != nil {
			return nil, err
		}
		found = append(found, differ("request:"+id, factsOfRequest(requests[row.ID]), factsOfRequest(row))...)
		found = append(found, digestsOfRequest(row)...)
		handed, err := db.Many(tx, scanString, `SELECT dataset FROM request_datasets WHERE request = $1 ORDER BY position`, row.ID)
		if err != nil {
			return nil, err
		}
		found = append(found, differ("request:"+id, []fact{{"datasets", fmt.Sprint(datasetIDs(row.Content))}}, []fact{{"datasets", fmt.Sprint(handed)}})...)
		delete(requests, row.ID)
	}
	for id := range requests {
		found = append(found, Difference{"request:" + string(id), "row", "there", "gone"})
	}
	ids, err = db.Many(tx, scanString, `SELECT id FROM agreements ORDER BY number`)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		row, err := r.Agreement(tx, AgreementID(id))
		if err != nil {
			return nil, err
		}
		row.Halted = false
		found = append(found, differ("agreement:"+id, factsOfAgreement(agreements[row.ID]), factsOfAgreement(row))...)
		more, err := r.digestsOfAgreement(tx, row)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
		delete(agreements, row.ID)
	}
	for id := range agreements {
		found = append(found, Difference{"agreement:" + string(id), "row", "there", "gone"})
	}
	return found, nil
}

// fact is one thing to compare, as text.
type fact struct{ name, value string }

func differ(subject string, log, table []fact) []Difference {
	var found []Difference
	for i := range log {
		if log[i] != table[i] {
			found = append(found, Difference{subject, log[i].name, log[i].value, table[i].value})
		}
	}
	return found
}

func factsOfRequest(q Request) []fact {
	return []fact{
		{"number", q.Number}, {"state", string(q.State)}, {"revision", fmt.Sprint(q.Rev)}, {"content", q.Digest}, {"last day", q.Content.Until.String()},
		{"zone", q.Zone}, {"parties", partiesText(q.Parties)}, {"scopes", asText(q.Scopes)}, {"outcome", asText(q.Outcome)},
		{"editors", fmt.Sprint(q.Editors)}, {"decider", string(q.Decider)}, {"decided", fmt.Sprint(db.Stamp(q.Decided))},
	}
}

func partiesText(parties []Party) string {
	parties = slices.Clone(parties)
	slices.SortFunc(parties, func(a, b Party) int { return strings.Compare(string(a.Part), string(b.Part)) })
	return asText(parties)
}

// signaturesText sorts first: two may have been given at one instant, as rows know it.
func signaturesText(signatures []Signature) string {
	signatures = slices.Clone(signatures)
	slices.SortFunc(signatures, func(a, b Signature) int { return strings.Compare(string(a.Part), string(b.Part)) })
	return asText(signatures)
}

func factsOfAgreement(a Agreement) []fact {
	return []fact{
		{"number", a.Number}, {"state", string(a.State)}, {"revision", fmt.Sprint(a.Rev)}, {"version", fmt.Sprint(a.Version)},
		{"variant", string(a.Variant)}, {"language", a.Lang}, {"editor", string(a.Editor)}, {"known jurisdictions", asText(a.Known)}, {"zone", a.Zone}, {"not before", a.NotBefore.String()}, {"last day", a.Until.String()},
		{"term", fmt.Sprint(db.Stamp(a.Term.From), "-", db.Stamp(a.Term.Until))}, {"term of amendments", termText(a)}, {"hash", a.SHA256},
		{"released", fmt.Sprint(a.Released)}, {"held", fmt.Sprint(a.Held)}, {"durations", asText(a.Durations)}, {"parties", partiesText(a.Parties)},
		{"contacts", asText(a.Contacts)}, {"confirmations", asText(a.Confirmations)}, {"signatures", signaturesText(a.Signatures)},
		{"signed on paper", asText(a.Papers)},
		{"amendments", asText(a.Amendments)}, {"proposal", asText(a.Proposal)}, {"stop", asText(a.Stop)}, {"concern", asText(a.Concern)},
		{"list confirmed", fmt.Sprint(db.Stamp(a.ListConfirmed))}, {"closed", fmt.Sprint(db.Stamp(a.Closed))}, {"attestation", a.Attestation},
		{"milestones", sortedText(a.Reminded)},
	}
}

// termText works the term out anew, so that a row whose columns agree with each other and not with the law is found.
func termText(a Agreement) string {
	t := a.term()
	return fmt.Sprint(db.Stamp(t.From), "-", db.Stamp(t.Until))
}

func sortedText(list []string) string {
	list = slices.Clone(list)
	slices.Sort(list)
	return strings.Join(list, " ")
}

// erased says that nothing personal is left in a row, the salt included: a row with anything in it must fit its digest.
func erased(fields ...string) bool { return strings.Join(fields, "") == "" }

// digestsOfRequest compares the digests in the rows with what stands in the rows that were not erased.
func digestsOfRequest(q Request) []Difference {
	subject := "request:" + string(q.ID)
	var found []Difference
	check := func(name, want, got string) {
		if want != got {
			found = append(found, Difference{subject, name, want, got})
		}
	}
	check("words of the content", q.Digest, q.Content.digest(q.Salt))
	for _, p := range q.Parties {
		if !erased(p.Salt, p.Name, p.Latin, p.Position, p.Email) {
			check("words of the "+string(p.Part), p.Digest, p.digest())
		}
	}
	return found
}

func (r *Registry) digestsOfAgreement(tx *db.Tx, a Agreement) ([]Difference, error) {
	subject := "agreement:" + string(a.ID)
	var found []Difference
	check := func(name, want, got string) {
		if want != got {
			found = append(found, Difference{subject, name, want, got})
		}
	}
	for _, c := range a.Contacts {
		if !erased(c.Salt, c.Name, c.Latin, c.Position, c.Email) {
			check("words of contact "+string(c.ID), c.Digest, c.digest())
		}
	}
	for _, s := range a.Signatures {
		if !erased(s.Salt, s.Name, s.Position, s.Authority) {
			check("words of the signature of the "+string(s.Part), s.Digest, s.digest())
		}
	}
	hashes := []string{a.SHA256, a.Attestation}
	for _, p := range a.Papers {
		hashes = append(hashes, p.Document)
		for _, s := range p.Signers {
			if !erased(s.Salt, s.Name, s.Position) {
				check("words of the "+string(s.Part)+" on paper", s.Digest, s.digest())
			}
		}
	}
	for _, m := range a.Amendments {
		hashes = append(hashes, m.SHA256)
	}
	for _, hash := range hashes {
		if hash == "" {
			continue
		}
		_, err := r.stored(tx, hash)
		if errors.Is(err, ErrNotFound) || errors.Is(err, errOtherBytes) {
			check("document", hash, err.Error())
		} else if err != nil {
			return nil, err
		}
	}
	for _, m := range a.Amendments {
		if m.Type != ChangeParty {
			continue
		}
		_, err := authorityOf(tx, m)
		if errors.Is(err, ErrNotFound) || errors.Is(err, errOtherBytes) {
			check("document of authority", m.Succession.Authority, err.Error())
		} else if err != nil {
			return nil, err
		}
	}
	return found, nil
}
