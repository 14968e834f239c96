package manifest

// SumLine is the line of a file in SHA256SUMS, as "sha256sum -c" of GNU and others reads it. Names with a backslash or a line
// break, which that format would have to escape, are no names of files here (CheckName).
//
//	64 hex digits, two spaces, name, line feed
func SumLine(sha256, name string) string { return sha256 + "  " + name + "\n" }
