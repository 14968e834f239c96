package portal

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

func itoa(n int) string { return strconv.Itoa(n) }

// moment shows an instant; nil for none.
func moment(t time.Time) templates.Part {
	if t.IsZero() {
		return nil
	}
	return templates.Moment(t)
}

// knownEvents are the kinds of the log that have words: "staff.event." and the kind, with dashes. Any other is shown as it is.
var knownEvents = []string{
	"request.recorded", "request.revised", "request.scope-judged", "request.approved", "request.refused", "request.withdrawn",
	"request.party-bound", "request.invitation-resent",
	"agreement.drafted", "agreement.revised", "agreement.released", "agreement.answered", "agreement.opened", "agreement.signed",
	"agreement.paper-uploaded", "agreement.paper-confirmed", "agreement.paper-refused",
	"agreement.declined", "agreement.proposed", "agreement.seconded", "agreement.proposal-dropped", "agreement.stopped",
	"agreement.stop-confirmed", "agreement.list-confirmed", "agreement.jurisdiction-changed", "agreement.jurisdiction-answered",
	"agreement.ended", "agreement.milestone", "agreement.closed-out", "document.kept",
	"amendment.extension-asked", "amendment.contact-asked", "amendment.contact-removed", "amendment.decided", "amendment.dropped",
	"amendment.party-proposed", "amendment.party-replaced", "amendment.party-kept", "amendment.party-accepted",
	"contact.bound", "contact.suspended", "contact.resumed",
	"collection.added", "dataset.added", "dataset.finished",
	"delivery.ordered", "delivery.files-fixed", "delivery.available", "delivery.bucket-end-moved", "delivery.bucket-ends-early", "delivery.ended", "delivery.emptied",
	"delivery.key-compromised", "delivery.key-destroyed", "delivery.bucket-removed", "delivery.destroyed", "transfer.opened", "transfer.closed", "delivery.keys-wrapped", "grant.given", "grant.removed", "dataset.file-stored", "dataset.import-resumed",
	"archive.swept",
	"invitation.made", "invitation.resent", "invitation.revoked", "invitation.accepted", "account.created", "account.address-verified",
	"account.signed-in", "account.signed-out", "account.session-revoked", "account.password-changed", "account.password-rehashed",
	"account.reset-sent", "factor.enrolled", "factor.reported-lost", "factor.removed", "factor.link-sent", "factor.recovery-used",
	"factor.recovery-renewed",
	"token.made", "token.revoked", "staff.proposed", "staff.decided", "staff.role-given", "staff.role-ended", "staff.bootstrapped", "staff.recovered",
	"account.disabled", "account.enabled", "account.language-set", "person.renamed", "person.erased",
}

// eventWord is an event of the log in words.
func eventWord(kind string) templates.Msg {
	key := strings.ReplaceAll(kind, "_", "-")
	if !slices.Contains(knownEvents, key) {
		return templates.Text(kind)
	}
	return templates.M("staff.event." + key)
}

// momentWord is an event of a time line in words, with what it names where that says more.
func (s *Server) momentWord(m licensing.Moment, c *staffCase) templates.Msg {
	kind := strings.TrimPrefix(m.Key, "timeline.")
	word := eventWord(kind)
	var more []templates.Msg
	if a := m.Args["action"]; a != "" {
		more = append(more, templates.M("staff.action."+a))
	}
	if p := m.Args["part"]; p != "" && slices.Contains(licensing.Signers(), licensing.Part(p)) {
		more = append(more, partWord(licensing.Part(p)))
	}
	for _, p := range m.Parts() {
		more = append(more, partWord(p))
	}
	if name := m.Args["name"]; name != "" {
		more = append(more, templates.Text(name))
	}
	if name := m.Args["contact"]; name != "" {
		more = append(more, templates.Text(name))
	}
	if code := m.Args["country"]; code != "" {
		more = append(more, templates.Text(s.country(code, c.Lang)))
	}
	// Of every other event the day would be read as the day on which it happened.
	if until, err := licensing.ParseDate(m.Args["until"]); kind == "amendment.extension-asked" && err == nil && !until.IsZero() {
		more = append(more, c.day(until))
	}
	switch m.Args["accept"] {
	case "true":
		more = append(more, templates.M("staff.amendment.accept"))
	case "false":
		more = append(more, templates.M("staff.amendment.decline"))
	}
	if m.Args["last"] == "true" {
		more = append(more, templates.M("staff.event-last"))
	}
	if len(more) == 0 {
		return word
	}
	return templates.M("staff.event-more", "What", word, "More", sentence(more))
}

// timeLine is what happened, the newest first.
func (s *Server) timeLine(c *staffCase) templates.TimeLine {
	line := templates.TimeLine{Empty: &templates.Empty{Title: templates.M("staff.timeline.none")}}
	for _, m := range c.TimeLine {
		e := templates.TimeLineEvent{Title: s.momentWord(m, c), By: c.actor(m.By), At: m.At}
		if m.Name != "" {
			e.By = templates.Text(m.Name)
		}
		var body templates.Lines
		if m.Words != "" {
			body = append(body, templates.Text(m.Words))
		}
		if h := m.Args["sha256"]; h != "" {
			body = append(body, templates.Code(h))
		}
		if body != nil {
			e.Body = body
		}
		line.Events = append(line.Events, e)
	}
	for _, d := range c.Deliveries {
		for _, step := range []struct {
			kind string
			at   time.Time
		}{{"delivery.ordered", d.Created}, {"delivery.available", d.Available}, {"delivery.ended", d.Ended}, {"delivery.key-compromised", d.Compromised},
			{"delivery.key-destroyed", d.KeyDestroyed},
			{"delivery.destroyed", d.Destroyed}} {
			if !step.at.IsZero() {
				line.Events = append(line.Events, templates.TimeLineEvent{At: step.at, By: templates.M("staff.actor.worker"),
					Title: templates.M("staff.event-more", "What", eventWord(step.kind), "More", d.Number)})
			}
		}
	}
	slices.Reverse(line.Events) // what happened in the same moment stands in order too
	sort.SliceStable(line.Events, func(i, j int) bool { return line.Events[i].At.After(line.Events[j].At) })
	return line
}

// actor is who stands in the log, as people read it.
func (c *staffCase) actor(by string) templates.Msg {
	if id, ok := strings.CutPrefix(by, "person:"); ok {
		if name := c.Names[account.PersonID(id)]; name != "" {
			return templates.Text(name)
		}
		for _, m := range c.TimeLine {
			if m.By == by && m.Name != "" {
				return templates.Text(m.Name)
			}
		}
		return templates.M("staff.nobody")
	}
	return machineActor(by)
}

// machineActor is an actor that is no person.
func machineActor(by string) templates.Msg {
	if by == db.Worker().String() {
		return templates.M("staff.actor.worker")
	}
	if host, ok := strings.CutPrefix(by, "cli:"); ok {
		return templates.M("staff.actor.host", "Host", host)
	}
	return templates.Text(by)
}

// knownLetters are the kinds of letters that a case shows. Those about accounts are nobody's business here.
var knownLetters = append(licensing.LetterKinds(), "data-ready", "data-ready-desk")

// letterWord is the kind of a letter in words.
func letterWord(kind string) templates.Msg {
	if !slices.Contains(knownLetters, kind) {
		return templates.Text(kind)
	}
	return templates.M("staff.letter." + kind)
}
