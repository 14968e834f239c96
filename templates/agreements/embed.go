// Package agreements holds the foundation's texts: licences, amendments, certificates and the confirmations of a
// licensee outside the EEA. A foundation replaces any of them by a file of the same name in a folder of its own.
package agreements

import "embed"

// Files are the texts that are used where the foundation has none of its own.
//
//go:embed *.md *.json
var Files embed.FS
