package licensing

// A Note is what a person wrote: a reason, an explanation. The words stand in a table of their own, and the log holds their
// id and digest: free text may name people, and must be erasable.
type Note struct {
	ID     string `json:"id,omitempty"`
	Digest string `json:"digest,omitempty"`
	Text   string `json:"-"` // filled when a note is written, or read for a page
}

// Empty says that nothing was written.
func (n Note) Empty() bool { return n.ID == "" }
