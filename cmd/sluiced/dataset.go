package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
)

func (c *command) collectionCommand() *cobra.Command {
	var in licensing.Collection
	var placement string
	add := &cobra.Command{
		Use: "add NAME --title-en TITLE --title-nl TITLE", Short: "Make a collection", Args: exactly(1, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Name, in.Placement = args[0], licensing.Placement(placement)
			if strings.TrimSpace(in.TitleEN) == "" || strings.TrimSpace(in.TitleNL) == "" {
				return usageError{errors.New("give --title-en and --title-nl: people outside see them, and they cannot be changed here")}
			}
			return c.withCore(cmd.Context(), func(s *site) error {
				err := s.db.Change(cmd.Context(), host().Actor(), func(tx *db.Tx) error {
					_, err := s.registry.AddCollection(tx, host(), in)
					return err
				})
				if err != nil {
					return inWords(err)
				}
				fmt.Fprintf(c.out, "The collection %s is there. Import into it with: sluiced dataset import --collection %s\n", in.Name, in.Name)
				return nil
			})
		},
	}
	add.Flags().StringVar(&in.TitleEN, "title-en", "", "its title in English")
	add.Flags().StringVar(&in.TitleNL, "title-nl", "", "its title in Dutch")
	add.Flags().StringVar(&placement, "placement", string(licensing.Copied), `"copy": each delivery gets its own copies; "shared": bodies stay in the archive, for what is too large to copy`)
	return group("collection", "Make and list collections", add, &cobra.Command{
		Use: "list", Short: "List the collections", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withCore(cmd.Context(), func(s *site) error { return c.listCollections(cmd.Context(), s) })
		},
	})
}

func (c *command) listCollections(ctx context.Context, s *site) error {
	out := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "NAME\tPLACEMENT\tTITLE")
	err := s.db.View(ctx, func(tx *db.Tx) error {
		all, err := s.registry.Collections(tx)
		for _, k := range all {
			fmt.Fprintf(out, "%s\t%s\t%s\n", k.Name, k.Placement, k.TitleEN)
		}
		return err
	})
	return errors.Join(err, out.Flush())
}

func (c *command) datasetCommand() *cobra.Command {
	var in toImport
	imp := &cobra.Command{
		Use: "import --collection NAME --name NAME --files files.csv DIR", Short: "Seal a folder of files into the archive",
		Long: `Seals every file of a folder into the archive, verifies what the store then holds, and makes the
dataset immutable. The list has the columns path,subject,hospital,kind; the subject is empty for what
belongs to nobody, such as a reference genome. Every file of the folder must be in the list and the
other way round; all faults are reported at once, with their lines, before anything is stored.

Stopped (Ctrl-C, power), it continues when the same command is given again: files that were stored
are not read again.`,
		Args: exactly(1, "--collection NAME --name NAME --files files.csv DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.folder = args[0]
			if in.collection == "" || in.name == "" || in.list == "" {
				return usageError{errors.New("give --collection, --name and --files")}
			}
			return c.withSite(cmd.Context(), func(s *site) error { return c.importDataset(cmd.Context(), s, in) })
		},
	}
	imp.Flags().StringVar(&in.collection, "collection", "", "the collection it belongs to")
	imp.Flags().StringVar(&in.name, "name", "", `its name, such as "WGS 2026-10"`)
	imp.Flags().StringVar(&in.list, "files", "", "the list of files, as CSV")
	imp.Flags().StringArrayVar(&in.ignore, "ignore", nil, "a file of the folder that is not data and not listed, such as a register of consents; may be repeated")
	imp.Flags().StringArrayVar(&in.without, "without", nil, "a subject all of whose files are left out, such as one who has withdrawn; may be repeated")
	return group("dataset", "Import and list datasets, and sweep the archive", imp, c.sweepCommand(), &cobra.Command{
		Use: "list", Short: "List the datasets", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withCore(cmd.Context(), func(s *site) error { return c.listDatasets(cmd.Context(), s) })
		},
	})
}

func (c *command) listDatasets(ctx context.Context, s *site) error {
	out := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "COLLECTION\tNAME\tSTATE\tFILES\tBYTES")
	err := s.db.View(ctx, func(tx *db.Tx) error {
		all, err := s.registry.AllDatasets(tx)
		if err != nil {
			return err
		}
		for _, d := range all {
			k, err := s.registry.Collection(tx, d.Collection)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%s\t%s\t%s\t%d\t%d\n", k.Name, d.Name, d.State, d.Files, d.Bytes)
		}
		return nil
	})
	return errors.Join(err, out.Flush())
}

// toImport is what the command line says about an import.
type toImport struct {
	collection, name, list, folder string
	without, ignore                []string
}

func (c *command) importDataset(ctx context.Context, s *site, in toImport) error {
	root, err := os.OpenRoot(in.folder) // whatever a link in the folder points to, nothing outside of it is read
	if err != nil {
		return usageError{fmt.Errorf("the folder cannot be opened: %w", err)}
	}
	defer root.Close()
	list, faults, err := readImport(root.FS(), in)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return c.refuseList(in.list, faults)
	}
	list.Collection, list.Dataset, list.Folder = in.collection, in.name, root.FS()
	p := newProgress(c.err)
	list.Progress = p.report
	d, err := s.depot.Import(ctx, host(), list)
	p.end()
	if err != nil {
		return explainImport(ctx, in, err)
	}
	fmt.Fprintf(c.out, "%s of %s is complete: %s, %s. Subjects left out: %d.\n", d.Name, in.collection, counted(d.Files, "file"), counted(d.Bytes, "byte"), list.LeftOut)
	return nil
}

// readImport reads the list, compares it with the folder, and takes out the subjects that are to be left out.
func readImport(folder fs.FS, in toImport) (list delivery.Import, faults []delivery.ListFault, err error) {
	f, err := os.Open(in.list)
	if err != nil {
		return list, nil, usageError{fmt.Errorf("the list cannot be opened: %w", err)}
	}
	defer f.Close()
	files, faults := delivery.ReadList(f)
	infos, more := delivery.CompareFolder(hiding{folder, in.ignore}, files, inFolder(in))
	faults = append(faults, more...)
	left := map[string]bool{}
	for i, f := range files {
		switch {
		case f.Subject != "" && slices.Contains(in.without, f.Subject):
			left[f.Subject] = true
		default:
			list.Files, list.Infos = append(list.Files, f), append(list.Infos, infos[i])
		}
	}
	for _, subject := range in.without {
		if !left[subject] {
			faults = append(faults, delivery.ListFault{What: fmt.Sprintf("--without %s: no file of this subject is in the list; check how it is written", subject)})
		}
	}
	list.LeftOut = int64(len(left))
	if len(list.Files) == 0 && len(faults) == 0 {
		faults = append(faults, delivery.ListFault{What: "nothing is left to import"})
	}
	slices.SortStableFunc(faults, func(a, b delivery.ListFault) int { return a.Line - b.Line })
	return list, faults, nil
}

// hiding is a folder without the files that somebody said are no data.
type hiding struct {
	fs.FS
	names []string
}

// ReadDir lists what is not hidden.
func (h hiding) ReadDir(dir string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(h.FS, dir)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return slices.Contains(h.names, path.Join(dir, e.Name())) }), err
}

// inFolder is the path of the list below the folder, when it lies there: it is not one of the files.
func inFolder(in toImport) string {
	folder, err1 := filepath.EvalSymlinks(in.folder)
	list, err2 := filepath.EvalSymlinks(in.list)
	if err1 != nil || err2 != nil {
		return ""
	}
	folder, err1 = filepath.Abs(folder)
	list, err2 = filepath.Abs(list)
	rel, err := filepath.Rel(folder, list)
	if errors.Join(err1, err2, err) != nil || !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.ToSlash(rel)
}

// shownFaults is how many faults are printed: a wrong folder makes one of every file.
const shownFaults = 200

func (c *command) refuseList(name string, faults []delivery.ListFault) error {
	for i, f := range faults {
		if i == shownFaults {
			fmt.Fprintf(c.err, "… and %d more\n", len(faults)-i)
			break
		}
		fmt.Fprintf(c.err, "%s: %s\n", name, f.Error())
	}
	return fmt.Errorf("faults in the list or the folder: %d; nothing was imported. Mend them and give the same command again", len(faults))
}

// explainImport says what to do about an import that did not finish.
func explainImport(ctx context.Context, in toImport, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("stopped; the same command continues where it was: %w", context.Canceled)
	case errors.Is(err, licensing.ErrNotFound):
		return fmt.Errorf("there is no collection %s; make it with: sluiced collection add %s --title-en TITLE --title-nl TITLE", in.collection, in.collection)
	case errors.Is(err, delivery.ErrComplete), errors.Is(err, delivery.ErrOtherFiles):
		return err
	case errors.Is(err, delivery.ErrKeyRefused):
		return fmt.Errorf("importing needs the keyring's role prepare: run it with the settings of the worker (%w)", err)
	}
	return fmt.Errorf("%w\nwhat was stored stays; the same command continues", inWords(err))
}

// refusals are the refusals a command can meet, in words; pages have theirs in the message files.
var refusals = map[string]string{
	"refused.collection-name":      "a collection's name has up to 40 letters, digits, dots, hyphens and underscores",
	"refused.collection-placement": `the placement is "copy" or "shared"`,
	"refused.collection-exists":    "a collection of this name exists",
	"refused.dataset-name":         "a dataset's name has 1 to 120 characters",
	"refused.dataset-exists":       "a dataset of this name exists in this collection",
	"refused.dataset-empty":        "a dataset needs at least one file",
}

// inWords turns a refusal into a sentence.
func inWords(err error) error {
	var refused *licensing.RefusedError
	if !errors.As(err, &refused) {
		if errors.Is(err, account.ErrNotAllowed) {
			return fmt.Errorf("%w: the host's command line cannot do it", err)
		}
		return err
	}
	if words := refusals[refused.Key]; words != "" {
		return errors.New(words)
	}
	return errors.New(strings.TrimPrefix(refused.Error(), "refused: "))
}
