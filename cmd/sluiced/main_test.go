package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"sluice/infra/mail"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sluiced": main, "tamper": tamper, "playdemo": playDemoInto})
}

func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SLUICE_CONFIG", "sluice.yaml")
			return os.WriteFile(e.WorkDir+"/sluice.yaml", []byte(embedded), 0o600)
		},
	})
}

// embedded are the settings of a site on one machine, which the scripts begin with.
const embedded = `
listen: 127.0.0.1:0
base_url: http://127.0.0.1:8080
foundation: {name: Stichting Proef, address: "Straat 1, Utrecht", email: desk@proef.example}
local_key_file: local.key
database: {url: "sqlite:sluice.db"}
store: {kind: dir, dir: store}
keyring: {kind: local, file: keyring.json}
mail: {kind: none}
`

// tamper changes a database behind the back of the log: tamper FILE SQL.
func tamper() {
	d, err := sql.Open("sqlite", os.Args[1])
	if err == nil {
		_, err = d.Exec(os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// playDemoInto leaves the folder of a demo, for scripts that need agreements.
func playDemoInto() {
	folder, err := filepath.Abs(os.Args[1])
	if err == nil {
		err = demoFolder(folder)
	}
	d := &demo{folder: folder, box: mail.NewBox(1), clock: &demoClock{}}
	if err == nil {
		err = d.open(context.Background(), demoConfig(folder, "127.0.0.1:8080"), slog.New(slog.DiscardHandler))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	d.Close()
}
