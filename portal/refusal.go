package portal

import (
	"errors"
	"strings"
	"time"

	"sluice/licensing"
	"sluice/templates"
)

// refusal is what a refused act says. A reason without words of its own is told in general ones, and the log says which.
func (s *Server) refusal(e *licensing.RefusedError) templates.Msg {
	args := make([]any, 0, 2*len(e.Args))
	for name, value := range e.Args {
		args = append(args, name, s.refusedValue(name, value))
	}
	m := templates.M(e.Key, args...)
	if !strings.HasPrefix(e.Key, "refused.") || !s.hasWords(m) {
		s.log.Error("a refusal has no words", "key", e.Key)
		return templates.M("portal.refused")
	}
	return m
}

// refusedValue is a value that package licensing names, in words: its dates, states, parts and actions come as they are
// stored.
func (s *Server) refusedValue(name, value string) templates.Msg {
	var family []string
	switch name {
	case "from", "until":
		if day, err := time.ParseInLocation(time.DateOnly, value, s.zone); err == nil {
			return templates.Day(day)
		}
	case "state":
		family = []string{"status.", "refused.amendment."}
	case "one", "other":
		family = []string{"refused.part."}
	case "action":
		family = []string{"refused.action."}
	}
	for _, f := range family {
		if m := templates.M(f + value); s.hasWords(m) {
			return m
		}
	}
	return templates.Text(value)
}

// hasWords says whether a message can be shown.
func (s *Server) hasWords(m templates.Msg) bool {
	_, err := s.cfg.Pages.Voice("en", s.zone, s.now()).Say(m)
	return err == nil
}

// allRefused finds every refusal in an error: of a form that is wrong in several places there are several.
func allRefused(err error) (all []*licensing.RefusedError) {
	var faults licensing.Faults
	if errors.As(err, &faults) {
		return faults
	}
	var one *licensing.RefusedError
	if errors.As(err, &one) {
		return []*licensing.RefusedError{one}
	}
	return nil
}

// fieldName is the field of a form for a field as package licensing names it: "contacts.0.email" is contacts[0].email.
func fieldName(field string) string {
	list, rest, found := strings.Cut(field, ".")
	row, name, nested := strings.Cut(rest, ".")
	if found && nested && strings.Trim(row, "0123456789") == "" && row != "" {
		return list + "[" + row + "]." + name
	}
	return field
}
