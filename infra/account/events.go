package account

// The events of this package. They hold ids and salted hashes only; their kinds and fields keep their meaning for ever.

type invited struct {
	For     string `json:"for"`
	Address string `json:"address"` // salted hash
	Expires int64  `json:"expires"`
}

type resent struct {
	Generation int `json:"generation"`
}

type invitationRevoked struct{}

type invitationAccepted struct {
	Person PersonID `json:"person"`
	For    string   `json:"for"`
}

type created struct {
	Invitation string `json:"invitation"`
}

type renamed struct {
	Name string `json:"name"`           // salted hash of the name and its Latin form
	Task string `json:"task,omitempty"` // of staff
}

type emailVerified struct {
	Address string `json:"address"` // salted hash
}

type langSet struct {
	Lang string `json:"lang"`
}

type signedIn struct {
	Session string `json:"session"`
	With    string `json:"with"` // "code", "recovery", "enrolment" or "password", when that was changed
}

type signedOut struct {
	Session string `json:"session"`
}

type sessionRevoked struct {
	Session string `json:"session"`
}

type passwordChanged struct {
	How string `json:"how"` // "changed" or "reset"
}

type rehashed struct{}

type resetSent struct {
	Link string `json:"link"`
}

type factorEnrolled struct{}

type factorHeld struct{}

type factorRemoved struct {
	Task string `json:"task"`
}

type enrolSent struct {
	Link string `json:"link"`
}

type recoveryUsed struct {
	Left int `json:"left"`
}

type recoveryRenewed struct{}

type tokenMade struct {
	Token   string `json:"token"`
	Scope   string `json:"scope"`
	Expires int64  `json:"expires"`
}

type tokenRevoked struct {
	Token string `json:"token"`
}

type taskProposed struct {
	Task   string   `json:"task"`
	What   TaskKind `json:"what"`
	Person PersonID `json:"person,omitempty"`
}

type taskDecided struct {
	Task    string `json:"task"`
	Outcome string `json:"outcome"` // "confirmed" or "declined"
}

type roleGiven struct {
	Grant string `json:"grant"`
	Role  Role   `json:"role"`
	Since int64  `json:"since"`
	Until int64  `json:"until,omitempty"`
}

type roleEnded struct {
	Grant string `json:"grant"`
}

type bootstrapped struct {
	Invitations []string `json:"invitations"`
}

type recovered struct {
	Staff []PersonID `json:"staff"` // the two who may enrol by a mailed link
}

type disabled struct {
	Task string `json:"task"`
}

type enabled struct {
	Task string `json:"task"`
}

type erased struct {
	Task string `json:"task"`
}

func (invited) Kind() string            { return "invitation.made" }
func (resent) Kind() string             { return "invitation.resent" }
func (invitationRevoked) Kind() string  { return "invitation.revoked" }
func (invitationAccepted) Kind() string { return "invitation.accepted" }
func (created) Kind() string            { return "account.created" }
func (renamed) Kind() string            { return "person.renamed" }
func (emailVerified) Kind() string      { return "account.address_verified" }
func (langSet) Kind() string            { return "account.language_set" }
func (signedIn) Kind() string           { return "account.signed_in" }
func (signedOut) Kind() string          { return "account.signed_out" }
func (sessionRevoked) Kind() string     { return "account.session_revoked" }
func (passwordChanged) Kind() string    { return "account.password_changed" }
func (rehashed) Kind() string           { return "account.password_rehashed" }
func (resetSent) Kind() string          { return "account.reset_sent" }
func (factorEnrolled) Kind() string     { return "factor.enrolled" }
func (factorHeld) Kind() string         { return "factor.reported_lost" }
func (factorRemoved) Kind() string      { return "factor.removed" }
func (enrolSent) Kind() string          { return "factor.link_sent" }
func (recoveryUsed) Kind() string       { return "factor.recovery_used" }
func (recoveryRenewed) Kind() string    { return "factor.recovery_renewed" }
func (tokenMade) Kind() string          { return "token.made" }
func (tokenRevoked) Kind() string       { return "token.revoked" }
func (taskProposed) Kind() string       { return "staff.proposed" }
func (taskDecided) Kind() string        { return "staff.decided" }
func (roleGiven) Kind() string          { return "staff.role_given" }
func (roleEnded) Kind() string          { return "staff.role_ended" }
func (bootstrapped) Kind() string       { return "staff.bootstrapped" }
func (recovered) Kind() string          { return "staff.recovered" }
func (disabled) Kind() string           { return "account.disabled" }
func (enabled) Kind() string            { return "account.enabled" }
func (erased) Kind() string             { return "person.erased" }
