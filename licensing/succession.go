package licensing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sluice/infra/account"
	"sluice/infra/db"
)

// A SuccessorInput is who takes over a part, as a form names him, with the document that shows that the licensee wants it so.
type SuccessorInput struct {
	Part Part
	PersonInput
	Authority []byte // a PDF
	Reason    string
}

// mostAuthority is how large a document of authority may be: a few scanned pages.
const mostAuthority = 10 << 20

// ProposeParty is the first half of putting somebody else in the part of the signatory or the main applicant, after the
// signing: the desk's, with the document of authority. A second member of staff reads that document: see ReplaceParty.
func (r *Registry) ProposeParty(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, in SuccessorInput) (AmendmentID, error) {
	amendment := AmendmentID(db.NewID())
	err := r.act(ctx, who, proof, id, "amendment.party-proposed", func(tx *db.Tx, a Agreement) error {
		p, err := r.readSuccessor(a, in)
		if err != nil {
			return err
		}
		if err := r.ownAddress(tx, who, "amendment.party-proposed", []Party{p}, nil); err != nil {
			return err
		}
		questions, err := r.takesOver(tx, a, Amendment{By: who.Person()}, p)
		if err != nil {
			return err
		}
		note, err := r.note(tx, "agreement:"+string(id), in.Reason)
		if err != nil {
			return err
		}
		hash := sha256Of(in.Authority)
		if _, err := r.apply(tx, a, PartyProposed{amendment, who.Person(), p, hash, questions, note}); err != nil {
			return err
		}
		if err := putAside(tx, p); err != nil {
			return err
		}
		_, err = tx.Exec(insertAuthority, amendment, hash, in.Authority, db.Stamp(tx.At))
		return err
	})
	return amendment, err
}

// readSuccessor checks an input; every fault is reported, each at its field.
func (r *Registry) readSuccessor(a Agreement, in SuccessorInput) (Party, error) {
	var faults Faults
	fault := func(e *RefusedError) { faults = append(faults, e) }
	if in.Part != Applicant && in.Part != Signatory {
		fault(refuse("needed").at("part"))
	}
	got := r.person(in.PersonInput, "successor", fault)
	for _, f := range faults {
		f.Field = strings.TrimPrefix(f.Field, "successor.")
	}
	if clean(in.Reason) == "" {
		fault(refuse("reason").at("reason"))
	}
	var unfit *RefusedError
	if errors.As(CheckAuthority(in.Authority), &unfit) {
		fault(unfit)
	}
	if len(faults) > 0 {
		return Party{}, faults
	}
	p := Party{ID: PartyID(db.NewID()), Request: a.Request, Part: in.Part, Salt: db.NewID(), Name: got.Name, Latin: got.Latin, Position: got.Position,
		Email: got.Email}
	p.Digest = p.digest()
	return p, nil
}

// CheckAuthority looks at the bytes and not at what the browser says of them: what is kept is handed out as a PDF.
func CheckAuthority(pdf []byte) error {
	switch {
	case len(pdf) == 0:
		return refuse("authority-missing").at("authority")
	case len(pdf) > mostAuthority:
		return refuse("authority-large", "most", fmt.Sprint(mostAuthority>>20)).at("authority")
	case !beginsAsPDF(pdf) || !endsWith(pdf, "%%EOF"):
		return refuse("authority-type").at("authority")
	}
	return nil
}

// takesOver says whether somebody may take over a part, as far as his address shows who it is, and what two people should
// know before they let him.
func (r *Registry) takesOver(tx *db.Tx, a Agreement, m Amendment, p Party) (questions []string, err error) {
	known := p
	owner, ok, err := r.accounts.ByEmail(tx, p.Email)
	if err != nil {
		return nil, err
	}
	if ok {
		known.Person = owner.ID
		m.Succession.Was = a.Party(p.Part).ID
		if err := r.mayTakeOver(tx, a, m, owner.ID); err != nil {
			return nil, atField(err, "email")
		}
	}
	if err := conflicts(a.with(known), a.Contacts, nil); err != nil {
		return nil, atField(err, "email")
	}
	q, err := r.Request(tx, a.Request)
	if err != nil {
		return nil, err
	}
	if !q.Content.Licensee.HasDomain(p.Email) {
		questions = append(questions, "question.domain")
	}
	if slices.ContainsFunc(a.Contacts, func(c Contact) bool { return c.Admitted() && samePerson(c.Person, c.Email, known.Person, known.Email) }) {
		questions = append(questions, "question.contact")
	}
	return questions, nil
}

// mayTakeOver refuses the person whom a succession replaces, whoever handles the case, and staff: who speaks for the licensee
// in an agreement in force is nobody of the foundation.
func (r *Registry) mayTakeOver(tx *db.Tx, a Agreement, m Amendment, person account.PersonID) error {
	part := a.Party(m.Succession.Part).Part
	for _, p := range slices.Concat(a.Parties, a.Aside) {
		if p.ID == m.Succession.Was && p.Person == person {
			return refuse("party-same")
		}
	}
	if err := r.notHandler(tx, a, string(part), person); err != nil {
		return err
	}
	roles, err := r.accounts.StaffRoles(tx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(roles, func(s account.StaffRole) bool { return s.Person == person }) {
		return refuse("party-staff")
	}
	return nil
}

// atField says at which field a refusal belongs, when it is one.
func atField(err error, field string) error {
	var refused *RefusedError
	if errors.As(err, &refused) {
		return refused.at(field)
	}
	return err
}

// ReplaceParty is the second half, by another member of staff who has read the document of authority of this hash: whoever
// had the part loses it at once, and the new one is invited. The proof is for the amendment: Act{"decide", "amendment:ID"}.
func (r *Registry) ReplaceParty(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, amendment AmendmentID, authority, reason string) error {
	const kind = "amendment.party-replaced"
	return r.actOn(ctx, who, proof, id, kind, "amendment:"+string(amendment), func(tx *db.Tx, a Agreement) error {
		m, ok := a.Amendment(amendment)
		if !ok || m.Type != ChangeParty {
			return ErrNotFound
		}
		p, was := m.Succession.Party, a.Party(m.Succession.Part)
		if err := r.ownAddress(tx, who, kind, []Party{p}, nil); err != nil {
			return err
		}
		if _, err := authorityOf(tx, m); err != nil {
			return err
		}
		if m.Open() {
			if _, err := r.takesOver(tx, a, m, p); err != nil {
				return err
			}
		}
		note, err := r.note(tx, "amendment:"+string(amendment), reason)
		if err != nil {
			return err
		}
		_, err = r.amended(tx, a, amendment, func(hash string) AgreementEvent {
			return PartyReplaced{amendment, who.Person(), authority, note, hash}
		})
		if err != nil {
			return err
		}
		// The row of the part is the right to it: from here on nothing finds the one who had it.
		if _, err := tx.Exec(deleteAside, p.ID); err != nil {
			return err
		}
		return errors.Join(putAside(tx, was), r.saveParty(tx, p))
	})
}

// KeepParty takes a proposal away, with a reason: the part stays with who has it.
func (r *Registry) KeepParty(ctx context.Context, who account.Who, id AgreementID, amendment AmendmentID, reason string) error {
	return r.act(ctx, who, account.Proof{}, id, "amendment.party-kept", func(tx *db.Tx, a Agreement) error {
		note, err := r.note(tx, "amendment:"+string(amendment), reason)
		if err != nil {
			return err
		}
		_, err = r.apply(tx, a, PartyKept{amendment, who.Person(), note})
		return err
	})
}

// AcceptPart is the word of the new signatory or applicant that he takes the part, over the hash of the amendment that he was
// shown. The proof is for the amendment: Act{"sign", "amendment:ID"}. An invitation alone is not that word: it is accepted
// with a password, before there is a second factor.
func (r *Registry) AcceptPart(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, amendment AmendmentID, sha256 string) error {
	return r.actOn(ctx, who, proof, id, "amendment.party-accepted", "amendment:"+string(amendment), func(tx *db.Tx, a Agreement) error {
		_, err := r.apply(tx, a, PartyAccepted{amendment, who.Person(), sha256})
		return err
	})
}

// Authority reads the document of authority of an amendment, for staff who handle or audit the case. The parties have the
// amendment itself.
func (r *Registry) Authority(tx *db.Tx, who account.Who, id AgreementID, amendment AmendmentID) ([]byte, error) {
	a, err := r.Agreement(tx, id)
	if err != nil {
		return nil, err
	}
	m, ok := a.Amendment(amendment)
	if !ok || m.Type != ChangeParty || !who.Has(account.Desk, account.Representative, account.Auditor) {
		return nil, ErrNotFound
	}
	return authorityOf(tx, m)
}

// authorityOf reads a document of authority and checks its bytes against the hash in the amendment.
func authorityOf(tx *db.Tx, m Amendment) ([]byte, error) {
	var hash string
	var pdf []byte
	err := tx.QueryRow(selectAuthority, m.ID).Scan(&hash, &pdf)
	if db.NoRows(err) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading a document of authority: %w", err)
	}
	if hash != m.Succession.Authority || sha256Of(pdf) != hash {
		return nil, fmt.Errorf("%w: %s", errOtherBytes, m.Succession.Authority)
	}
	return pdf, nil
}

func putAside(tx *db.Tx, p Party) error {
	_, err := tx.Exec(insertAside, p.ID, p.Request, p.Part, p.Person, p.Digest, p.Salt, p.Name, p.Latin, p.Position, p.Email)
	if err != nil {
		return fmt.Errorf("keeping party %s: %w", p.ID, err)
	}
	return nil
}

// successions reads who had a part before and who is proposed for one, and gives the amendments their names.
func (r *Registry) successions(tx *db.Tx, a *Agreement) (err error) {
	if !slices.ContainsFunc(a.Amendments, func(m Amendment) bool { return m.Type == ChangeParty }) {
		return nil
	}
	if a.Aside, err = db.Many(tx, scanParty, selectAside+` WHERE request = $1 ORDER BY id`, a.Request); err != nil {
		return err
	}
	for i, m := range a.Amendments {
		for _, p := range slices.Concat(a.Parties, a.Aside) {
			if p.ID == m.Succession.Party.ID {
				p.Person = "" // as in the log: who accepted the invitation stands in the row of the part
				a.Amendments[i].Succession.Party = p
			}
		}
	}
	return nil
}

// compareAside compares who stands aside with the digests in the log.
func compareAside(tx *db.Tx, digests map[string]string) ([]Difference, error) {
	aside, err := db.Many(tx, scanParty, selectAside+` ORDER BY id`)
	if err != nil {
		return nil, err
	}
	var found []Difference
	for _, p := range aside {
		gone := erased(p.Salt, p.Name, p.Latin, p.Position, p.Email)
		if logged := digests[string(p.ID)]; logged != p.Digest || (!gone && p.digest() != p.Digest) {
			found = append(found, Difference{"request:" + string(p.Request), "words of a party set aside", logged, p.digest()})
		}
	}
	return found, nil
}

// partyReplaced tells everybody concerned that a part has changed hands: who had it, who has it now, and those who work with him.
func (r *Registry) partyReplaced(tx *db.Tx, before, after Agreement, ev PartyReplaced, l Letter) error {
	m, _ := after.Amendment(ev.Amendment)
	part := m.Succession.Part
	was, is := before.Party(part), after.Party(part)
	l = withFact(l, "part", string(part), "by", is.Name)
	l.Kind = "party.replaced"
	if err := firstOf(r.toPart(tx, before, part, l), r.inviteAs(tx, "party.successor-invited", after.Number, after.Lang, is)); err != nil {
		return err
	}
	l.Kind = "party.changed"
	told := map[string]bool{addressKey(was.Email): true, addressKey(is.Email): true}
	for _, other := range Signers() {
		if other == part {
			continue
		}
		told[addressKey(after.Party(other).Email)] = true
		if err := r.toPart(tx, after, other, l); err != nil {
			return err
		}
	}
	return r.toContacts(tx, after, l, told)
}
