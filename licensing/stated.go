package licensing

import (
	"slices"

	"sluice/infra/db"
)

// Stated are the confirmations of an agreement with their words, answered or not, in the order in which they are put.
func (r *Registry) Stated(tx *db.Tx, a Agreement) ([]StatedConfirmation, error) {
	if len(a.Confirmations) == 0 {
		return nil, nil
	}
	statements, err := r.statements(a.Lang)
	if err != nil {
		return nil, err
	}
	var all []StatedConfirmation
	for _, c := range a.Confirmations {
		i := slices.IndexFunc(statements, func(s Statement) bool { return s.Item == c.Item && s.TextVersion == c.TextVersion })
		if i < 0 {
			return nil, refuse("answers-other-text") // the words were replaced; the desk must make a new version
		}
		explanation, err := r.Words(tx, c.Explanation)
		if err != nil {
			return nil, err
		}
		all = append(all, StatedConfirmation{c, statements[i].Text, explanation})
	}
	return all, nil
}
