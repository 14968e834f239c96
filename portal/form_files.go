package portal

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
)

// readParts reads a form with files, all of it in memory: what people hand in belongs in no temporary folder, and the image has
// none. Of a file that is too large the beginning is kept, which is too large still, so that its form can say so and the
// fields behind it are not lost.
func (f *form) readParts(r *http.Request) error {
	parts, err := r.MultipartReader()
	if err != nil {
		return err
	}
	f.values, f.files = url.Values{}, map[string][]byte{}
	words, room := int64(formBytes), int64(fileBytes)
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			r.PostForm = f.values
			return nil
		}
		if err != nil {
			return err
		}
		if p.FileName() == "" {
			err = f.readField(p, &words)
		} else {
			err = f.readFile(p, &room)
		}
		if err != nil {
			return err
		}
	}
}

func (f *form) readField(p *multipart.Part, left *int64) error {
	b, err := io.ReadAll(io.LimitReader(p, *left+1))
	if err != nil {
		return err
	}
	const least = 100 // that a field takes, empty ones too
	if *left -= int64(len(b)+len(p.FormName())) + least; *left < 0 {
		return &http.MaxBytesError{Limit: formBytes}
	}
	f.values.Add(p.FormName(), string(b))
	return nil
}

// readFile keeps the first file of a name.
func (f *form) readFile(p *multipart.Part, room *int64) error {
	b, err := io.ReadAll(io.LimitReader(p, *room))
	if err != nil {
		return err
	}
	*room -= int64(len(b))
	if _, twice := f.files[p.FormName()]; !twice {
		f.files[p.FormName()] = b
	}
	_, err = io.Copy(io.Discard, p)
	return err
}

// content is what was sent in a file field; empty when nothing was.
func (f *form) content(name string) []byte {
	f.note(name)
	return f.files[name]
}
