package portal

import (
	"slices"
	"time"

	"sluice/delivery"
	"sluice/licensing"
	"sluice/templates"
)

// turn says whose turn it is, what happens next and by when.
func (w agreementView) turn() templates.Turn {
	if turn, waits := w.turnTakePart(); waits {
		return turn
	}
	switch w.state() {
	case licensing.Drafted:
		return w.turnDrafted()
	case licensing.Signing:
		return w.turnSigning()
	case licensing.InForce:
		return w.turnInForce()
	case licensing.Suspended:
		return templates.Turn{Who: templates.M("licensee.by-foundation"), What: templates.M("licensee.turn-suspended"), Next: templates.M("licensee.next-suspended", "Day", templates.LastDay(w.a.Term.Until))}
	case licensing.Ended, licensing.Terminated:
		return w.turnEnded()
	}
	return templates.Turn{Who: templates.M("licensee.nobody"), What: templates.M("licensee.turn-closed"), Next: templates.M("licensee.next-closed")}
}

// act is the button that leads to what is to be done.
func act(key, href string) *templates.Button {
	return &templates.Button{Text: templates.M(key), Href: href}
}

func (w agreementView) turnDrafted() templates.Turn {
	unanswered := slices.ContainsFunc(w.a.Confirmations, func(c licensing.Confirmation) bool { return c.Answer == licensing.Unanswered })
	switch {
	case !w.a.Released:
		return templates.Turn{Who: templates.M("licensee.by-foundation"), What: templates.M("licensee.turn-release"), Until: w.due(licensing.TaskRelease), Next: templates.M("licensee.next-release")}
	case unanswered && w.is(licensing.AsSignatory):
		return templates.Turn{Yours: true, What: templates.M("licensee.turn-answer"), Until: w.due(licensing.TaskAnswer), Next: templates.M("licensee.next-answer"),
			Act: act("licensee.act-answer", w.path("/confirmations"))}
	case unanswered:
		return templates.Turn{Who: templates.Text(w.a.Party(licensing.Signatory).Name), What: templates.M("licensee.turn-answer-other"), Until: w.due(licensing.TaskAnswer), Next: templates.M("licensee.next-answer")}
	}
	return templates.Turn{Who: templates.M("licensee.by-foundation"), What: templates.M("licensee.turn-judge"), Until: w.due(licensing.TaskJudge), Next: templates.M("licensee.next-judge")}
}

func (w agreementView) turnSigning() templates.Turn {
	due, next := w.due(licensing.TaskSign), templates.M("licensee.next-sign")
	if w.party() && paperWaits(w.a, w.part()) {
		return templates.Turn{Who: templates.M("licensee.by-foundation"), What: templates.M("licensee.turn-paper"), Until: w.due(licensing.TaskPaper), Next: templates.M("licensee.next-paper")}
	}
	if w.party() && !w.signed() {
		return templates.Turn{Yours: true, What: templates.M("licensee.turn-sign"), Until: due, Next: next, Act: act("licensee.act-sign", w.path("/sign"))}
	}
	return templates.Turn{Who: w.missing(), What: templates.M("licensee.turn-sign-other"), Until: due, Next: next}
}

// missing are the names of those who have not signed.
func (w agreementView) missing() templates.Msg {
	names := make([]string, 0, 3)
	for _, p := range w.a.Missing() {
		names = append(names, w.a.Party(p).Name)
	}
	switch len(names) {
	case 1:
		return templates.Text(names[0])
	case 2:
		return templates.M("licensee.two", "One", names[0], "Two", names[1])
	case 3:
		return templates.M("licensee.three", "One", names[0], "Two", names[1], "Three", names[2])
	}
	return templates.M("licensee.nobody")
}

func (w agreementView) turnInForce() templates.Turn {
	end := templates.LastDay(w.a.Term.Until)
	open := slices.ContainsFunc(w.a.Amendments, func(m licensing.Amendment) bool { return m.Type == licensing.Extension && m.Open() })
	soon := !w.due(licensing.TaskEnding).IsZero()
	list := w.due(licensing.TaskList)
	switch {
	case w.a.Halted:
		return templates.Turn{Who: templates.M("licensee.by-foundation"), What: templates.M("licensee.turn-suspended"), Next: templates.M("licensee.next-suspended", "Day", end)}
	case w.at.Before(w.a.Term.From):
		return templates.Turn{Who: templates.M("licensee.the-day", "Day", templates.Day(w.a.Term.From)), What: templates.M("licensee.turn-before"), Next: templates.M("licensee.next-before")}
	case w.is(licensing.AsSignatory) && !list.IsZero():
		return templates.Turn{Yours: true, What: templates.M("licensee.turn-list"), Until: list, Next: templates.M("licensee.next-end", "Day", end), Act: act("licensee.act-list", w.path("/contacts/confirm"))}
	case open:
		return templates.Turn{Who: templates.M("licensee.by-foundation"), What: templates.M("licensee.turn-extension"), Until: w.due(licensing.TaskExtension), Next: templates.M("licensee.next-extension", "Day", end)}
	case w.preparing():
		return templates.Turn{Who: templates.M("licensee.by-foundation"), What: templates.M("licensee.turn-preparing"), Next: templates.M("licensee.next-preparing")}
	case soon && w.may("amendment.extension-asked"):
		return templates.Turn{Yours: true, What: templates.M("licensee.turn-ending", "Day", end), Until: w.a.Term.Until, Next: templates.M("licensee.next-ending"), Act: act("licensee.act-extension", w.path("/extension"))}
	case w.is(licensing.AsContact):
		return templates.Turn{Yours: true, What: templates.M("licensee.turn-download"), Until: w.a.Term.Until, Next: templates.M("licensee.next-end", "Day", end), Act: act("licensee.act-download", "/deliveries")}
	}
	return templates.Turn{Who: templates.M("licensee.the-contacts"), What: templates.M("licensee.turn-contacts"), Until: w.a.Term.Until, Next: templates.M("licensee.next-end", "Day", end)}
}

func (w agreementView) preparing() bool {
	return slices.ContainsFunc(w.deliveries, func(d delivery.Overview) bool { return d.State == delivery.Preparing })
}

func (w agreementView) turnEnded() templates.Turn {
	over := w.over()
	switch {
	case w.a.Term.IsZero():
		return templates.Turn{Who: templates.M("licensee.nobody"), What: templates.M("licensee.turn-dropped"), Next: templates.M("licensee.next-dropped")}
	case w.is(licensing.AsSignatory):
		return templates.Turn{Yours: true, What: templates.M("licensee.turn-attest", "Moment", templates.Moment(over)), Until: w.due(licensing.TaskAttest), Next: templates.M("licensee.next-attest"),
			Act: act("licensee.act-attest", w.path("/destruction"))}
	}
	return templates.Turn{Who: templates.Text(w.a.Party(licensing.Signatory).Name), What: templates.M("licensee.turn-attest-other", "Moment", templates.Moment(over)), Until: w.due(licensing.TaskAttest), Next: templates.M("licensee.next-attest")}
}

// over is when access ended.
func (w agreementView) over() time.Time {
	if !w.a.Closed.IsZero() && w.a.Closed.Before(w.a.Term.Until) {
		return w.a.Closed
	}
	return w.a.Term.Until
}

// told are the moments of the time line that a licensee reads, and whether the reason somebody wrote is for him too. What
// staff proposes, judges and weighs among itself is not.
var toldOf = map[string]bool{
	"agreement.drafted": false, "agreement.revised": false, "agreement.answered": false, "agreement.opened": false, "agreement.signed": false,
	"agreement.declined": true, "agreement.seconded": false, "agreement.stopped": false, "amendment.extension-asked": true,
	"amendment.contact-asked": true, "amendment.contact-removed": true, "amendment.decided": true, "amendment.dropped": false,
	"amendment.party-replaced": false, "amendment.party-accepted": false,
	"contact.bound": false, "contact.suspended": false, "contact.resumed": false, "agreement.list-confirmed": false, "agreement.ended": false,
	"agreement.closed-out": false, "agreement.paper-confirmed": false,
}

// timeLine is what happened, the newest on top.
func (w agreementView) timeLine() templates.TimeLine {
	line := templates.TimeLine{Empty: &templates.Empty{Title: templates.M("licensee.line-empty")}}
	for i := len(w.page.TimeLine) - 1; i >= 0; i-- {
		m := w.page.TimeLine[i]
		kind := m.Key[len("timeline."):]
		words, shown := toldOf[kind]
		if !shown || m.Subject != "agreement:"+string(w.a.ID) {
			continue
		}
		title, ok := w.momentTitle(kind, m)
		if !ok {
			continue
		}
		event := templates.TimeLineEvent{Title: title, By: w.nameOf(m), At: m.At}
		if words && m.Words != "" {
			event.Body = templates.Inset{Body: templates.Text(m.Words)}
		}
		line.Events = append(line.Events, event)
	}
	return line
}

// momentTitle is a moment in words.
func (w agreementView) momentTitle(kind string, m licensing.Moment) (templates.Msg, bool) {
	key := "licensee.line." + kind
	switch kind {
	case "agreement.signed", "agreement.declined":
		return templates.M(key, "Part", templates.M("licensee.as-"+m.Args["part"])), m.Args["part"] != ""
	case "agreement.paper-confirmed":
		var names []templates.Msg
		for _, p := range m.Parts() {
			names = append(names, templates.M("licensee.as-"+string(p)))
		}
		return templates.M(key, "Parts", sentence(names)), len(names) > 0
	case "agreement.seconded":
		switch licensing.Action(m.Args["action"]) {
		case licensing.ActionSuspend, licensing.ActionResume, licensing.ActionTerminate, licensing.ActionDestroyKey:
			return templates.M(key + "-" + m.Args["action"]), true
		}
		return nil, false
	case "amendment.extension-asked":
		day, err := licensing.ParseDate(m.Args["until"])
		return templates.M(key, "Day", templates.LastDay(day.End(w.zone))), err == nil
	case "amendment.contact-asked", "amendment.contact-removed", "contact.bound", "contact.suspended", "contact.resumed":
		return templates.M(key, "Name", m.Args["contact"]), true
	case "amendment.decided":
		if m.Args["accept"] == "true" {
			return templates.M(key+"-yes", "Number", m.Args["amendment"]), true
		}
		return templates.M(key+"-no", "Number", m.Args["amendment"]), true
	case "amendment.party-replaced", "amendment.party-accepted":
		return templates.M(key, "Name", m.Args["name"], "Part", asPart(licensing.Part(m.Args["part"]))), true
	case "amendment.dropped":
		return templates.M(key, "Number", m.Args["amendment"]), true
	}
	return templates.M(key), true
}
