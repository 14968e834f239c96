package account

import "context"

// Confirm turns a fresh code of the app into the proof for one act. A code that was used to sign in a moment ago is used
// up: the next one must be waited for. Recovery codes are for signing in only, and prove no act.
func (a *Accounts) Confirm(ctx context.Context, who Who, act Act, code string) (Proof, error) {
	if !who.IsPerson() || who.session == "" || act.Kind == "" {
		return Proof{}, ErrNotAllowed
	}
	at, err := a.spend(ctx, who.person, who.session, code)
	if err != nil {
		return Proof{}, err
	}
	return Proof{person: who.person, act: act, at: at}, nil
}
