package crypt4gh_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"sluice/delivery/crypt4gh"
)

// A gateway has a body in a store, its size, its key and the nonce it begins with, and is asked for a range.
func ExampleBody_Range() {
	key := crypt4gh.NewDataKey()
	var stored bytes.Buffer
	sum, err := crypt4gh.Seal(&stored, bytes.NewReader([]byte("a text that somebody asks a part of")), key)
	if err != nil {
		panic(err)
	}
	// Whatever a store's client offers for opening a range of an object.
	open := func(_ context.Context, off, n int64) (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(bytes.NewReader(stored.Bytes()), off, n)), nil
	}

	body, err := crypt4gh.OpenBody(nil, sum.BodySize, key)
	if err != nil {
		panic(err)
	}
	body.InOrder(sum.First)
	plain, err := body.Range(context.Background(), open, 2, 4)
	if err != nil {
		panic(err)
	}
	defer plain.Close()
	if _, err := plain.WriteParallel(os.Stdout); err != nil { // an http.ResponseWriter, there
		panic(err)
	}
	fmt.Println(" of", body.Size(), "bytes")
	// Output: text of 35 bytes
}
