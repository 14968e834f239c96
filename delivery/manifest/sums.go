package manifest

import (
	"bufio"
	"fmt"
	"io"
)

// WriteSums writes the plaintext hashes of all files as "sha256sum -c" of GNU and others reads them. Names with a backslash
// or a line break, which that format would have to escape, are no names of files here.
//
//	64 hex digits, two spaces, name, line feed
func WriteSums(w io.Writer, files []File) error {
	b := bufio.NewWriter(w)
	for _, f := range files {
		if err := CheckName(f.Name); err != nil {
			return fmt.Errorf("%w: file %q: %w", ErrFormat, f.Name, err)
		}
		fmt.Fprintf(b, "%s  %s\n", f.SHA256, f.Name) // an error stays with b, and Flush returns it
	}
	return b.Flush()
}
