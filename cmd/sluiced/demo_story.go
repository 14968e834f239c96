package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
)

// The story, in days before now, each moved to the working day before when it is none. Everything in it happens through the
// same functions as for real people, in order, with a clock that is moved through the past and the jobs run as it passes them.
const (
	dayFounded    = 400
	dayImported   = 393
	dayFirst      = 390 // DR-0001, which ends on dayFirstEnds
	dayFirstEnds  = 20
	dayRunning    = 160 // DR-0002
	dayExtending  = 140 // DR-0003
	dayOutside    = 100 // DR-0004, with the institute outside the EEA
	daySigning    = 20  // DR-0005
	dayConfirming = 9   // DR-0006
	dayAsked      = 3   // DR-0003 again
	dayRecorded   = 1   // DR-0007
)

// storyStart is the moment at which the story begins.
func storyStart(now time.Time, zone *time.Location) time.Time {
	return midnight(workday(now.In(zone).AddDate(0, 0, -dayFounded), -1))
}

// A story is the demo while it is played.
type story struct {
	*demo
	ctx  context.Context
	now  time.Time // the real one
	acts int       // how many there were: each has a time of day of its own
	sets map[string]licensing.DatasetID
}

// A chapter begins so many days ago.
type chapter struct {
	days int
	act  func() error
}

func (d *demo) play(ctx context.Context) error {
	s := &story{demo: d, ctx: ctx, now: time.Now(), sets: map[string]licensing.DatasetID{}}
	for _, c := range []chapter{
		{dayFounded, s.found}, {dayImported, s.importCohort}, {dayFirst, s.first},
		{300, s.confirmed("DR-0001-A", "karl")}, {215, s.confirmed("DR-0001-A", "karl")},
		{dayRunning, s.running}, {dayExtending, s.extending}, {130, s.confirmed("DR-0001-A", "karl")},
		{dayOutside, s.outside}, {66, s.confirmed("DR-0002-A", "karl")}, {50, s.confirmed("DR-0003-A", "karl")}, {45, s.confirmed("DR-0001-A", "karl")},
		{daySigning, s.signing}, {12, s.confirmed("DR-0004-A", "jack")}, {dayConfirming, s.confirming}, {dayAsked, s.asked}, {dayRecorded, s.recorded},
	} {
		if err := s.on(workday(s.now.In(s.registry.Zone()).AddDate(0, 0, -c.days), -1)); err != nil {
			return err
		}
		if err := c.act(); err != nil {
			return err
		}
	}
	if err := s.stopped(); err != nil {
		return err
	}
	return s.advance(s.now)
}

// workday is this day, or the next one in a direction that is no Saturday or Sunday.
func workday(day time.Time, direction int) time.Time {
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, direction)
	}
	return day
}

func midnight(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, day.Location())
}

// on moves the clock to the hours of work of a day, or a little on when that has passed.
func (s *story) on(day time.Time) error {
	const from, hours = 9 * time.Hour, 8 * time.Hour
	s.acts++
	return s.at(midnight(day).Add(from + time.Duration(s.acts)*(2*time.Hour+37*time.Minute+11*time.Second)%hours))
}

func (s *story) at(moment time.Time) error {
	if !moment.After(s.clock.now()) {
		return s.soon()
	}
	return s.advance(moment)
}

// tomorrow moves the clock to the next day of work.
func (s *story) tomorrow() error {
	return s.on(workday(s.clock.now().In(s.registry.Zone()).AddDate(0, 0, 1), 1))
}

// soon moves the clock a few minutes on.
func (s *story) soon() error {
	s.acts++
	return s.advance(s.clock.now().Add(2*time.Minute + time.Duration(s.acts)*(3*time.Minute+17*time.Second)%(9*time.Minute)))
}

func (s *story) date(days int) licensing.Date {
	return licensing.DateOf(s.now.In(s.registry.Zone()).AddDate(0, 0, -days))
}

// advance moves the clock on, stopping wherever a job is due.
func (s *story) advance(to time.Time) error {
	for {
		if err := s.work(); err != nil {
			return err
		}
		next, err := s.nextJob()
		if err != nil {
			return err
		}
		if next.IsZero() || !next.Before(to) {
			break
		}
		s.clock.set(latest(next, s.clock.now()))
	}
	s.clock.set(latest(to, s.clock.now()))
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// work does every job that is due.
func (s *story) work() error {
	for {
		ran, err := s.db.WorkOnce(s.ctx, slog.New(slog.DiscardHandler), s.handlers())
		if err != nil || !ran {
			return err
		}
	}
}

func (s *story) nextJob() (next time.Time, err error) {
	err = s.db.View(s.ctx, func(tx *db.Tx) error {
		jobs, err := tx.Jobs()
		for _, j := range jobs {
			if j.LastError != "" {
				return fmt.Errorf("job %s of %s: %s", j.Kind, j.Subject, j.LastError)
			}
			if next.IsZero() || j.Due.Before(next) {
				next = j.Due
			}
		}
		return err
	})
	return next, err
}

func (s *story) the(key string) *player {
	i := slices.IndexFunc(s.cast, func(p player) bool { return p.Key == key })
	return &s.cast[i]
}

// demoMeta is where the story's people come from.
var demoMeta = account.Meta{Address: "127.0.0.1", Agent: "the demo"}

// confirm proves an act with the next code, waiting for it as a person has to.
func (s *story) confirm(p *player, kind, subject string) (account.Proof, error) {
	code, err := s.nextCode(p)
	if err != nil {
		return account.Proof{}, err
	}
	return s.accounts.Confirm(s.ctx, p.who, account.Act{Kind: kind, Subject: subject}, code)
}

func (s *story) nextCode(p *player) (string, error) {
	for s.clock.now().Unix()/30 <= p.last {
		s.clock.set(account.NextCode(s.clock.now()))
	}
	p.last = s.clock.now().Unix() / 30
	return totp.GenerateCode(p.Seed, s.clock.now())
}

// join makes the account behind an invitation, and enrols its second factor.
func (s *story) join(key, invitation string) error {
	r := player{Key: key}.role()
	p := player{Key: key, Name: r.Name, Email: r.Email}
	secret, err := s.link(invitation)
	if err != nil {
		return err
	}
	_, session, err := s.accounts.Accept(s.ctx, secret, account.Acceptance{Name: r.Name, Password: demoPassword, Lang: r.Lang}, demoMeta)
	if err != nil {
		return err
	}
	enrolment, err := s.accounts.BeginEnrolment(s.ctx, session, account.Proof{})
	if err != nil {
		return err
	}
	p.ID, p.Seed = session.Person.ID, strings.ReplaceAll(enrolment.Secret, " ", "")
	code, err := s.nextCode(&p)
	if err != nil {
		return err
	}
	_, _, full, err := s.accounts.FinishEnrolment(s.ctx, session, code, demoMeta)
	p.who = full.Who
	s.cast = append(s.cast, p)
	slices.SortStableFunc(s.cast, func(a, b player) int { return order(a.Key) - order(b.Key) })
	return err
}

func order(key string) int {
	return slices.IndexFunc(parts, func(p part) bool { return p.Key == key })
}

func (s *story) link(id string) (secret string, err error) {
	err = s.db.View(s.ctx, func(tx *db.Tx) error {
		secret, err = s.accounts.Link(tx, id)
		return err
	})
	return secret, err
}

// accept has people accept what they were invited to by now: with an account they have, or by making one.
func (s *story) accept(keys ...string) error {
	for _, key := range keys {
		invitations, err := s.openInvitations(player{Key: key}.role().Email)
		if err != nil {
			return err
		}
		for _, id := range invitations {
			if err := s.soon(); err != nil {
				return err
			}
			if order(key) >= 0 && !slices.ContainsFunc(s.cast, func(p player) bool { return p.Key == key }) {
				err = s.join(key, id)
			} else {
				var secret string
				if secret, err = s.link(id); err == nil {
					err = s.accounts.AcceptAs(s.ctx, secret, s.the(key).who)
				}
			}
			if err != nil {
				return fmt.Errorf("%s accepting: %w", key, err)
			}
		}
	}
	return nil
}

func (s *story) openInvitations(email string) (ids []string, err error) {
	err = s.db.View(s.ctx, func(tx *db.Tx) error {
		ids = nil
		letters, err := s.registry.Outbox().Letters(tx, "", email)
		if err != nil {
			return err
		}
		for _, l := range letters {
			if l.Invitation == "" {
				continue
			}
			inv, err := s.accounts.Invitation(tx, l.Invitation)
			if errors.Is(err, account.ErrLink) {
				continue
			}
			if err != nil {
				return err
			}
			if inv.State(tx.At) == account.InvitationOpen && !slices.Contains(ids, l.Invitation) {
				ids = append(ids, l.Invitation)
			}
		}
		return nil
	})
	return ids, err
}

// found makes the foundation: its first two members of staff, and those whom they add.
func (s *story) found() error {
	staff := func(key string) account.NewStaff {
		r := player{Key: key}.role()
		return account.NewStaff{Name: r.Name, Email: r.Email, Lang: r.Lang, Roles: slices.Clone(r.Staff)}
	}
	if _, err := s.accounts.Bootstrap(s.ctx, host(), [2]account.NewStaff{staff("noor"), staff("daan")}); err != nil {
		return err
	}
	if err := s.accept("noor", "daan"); err != nil {
		return err
	}
	for _, key := range []string{"sem", "willem", "iris"} {
		if err := s.tomorrow(); err != nil {
			return err
		}
		n := staff(key)
		act := account.ProposalAct(account.AddStaff, n.Email)
		proof, err := s.confirm(s.the("noor"), act.Kind, act.Subject)
		if err != nil {
			return err
		}
		task, err := s.accounts.ProposeStaff(s.ctx, s.the("noor").who, proof, n, "Joined the foundation; contract seen")
		if err != nil {
			return err
		}
		if err := s.soon(); err != nil {
			return err
		}
		act = account.TaskAct(task)
		if proof, err = s.confirm(s.the("daan"), act.Kind, act.Subject); err != nil {
			return err
		}
		if err := s.accounts.ConfirmTask(s.ctx, s.the("daan").who, proof, task, "Contract seen"); err != nil {
			return err
		}
		if err := s.accept(key); err != nil {
			return err
		}
	}
	return nil
}

// importCohort is the steward's work.
func (s *story) importCohort() error {
	folder := filepath.Join(s.folder, "cohort")
	if err := writeCohort(folder); err != nil {
		return err
	}
	steward := s.the("sem").who
	err := s.db.Change(s.ctx, steward.Actor(), func(tx *db.Tx) error {
		_, err := s.registry.AddCollection(tx, steward, licensing.Collection{Name: "DEMO", TitleEN: "Demonstration cohort, made up", TitleNL: "Demonstratiecohort, verzonnen"})
		return err
	})
	if err != nil {
		return err
	}
	for _, set := range []struct {
		name, list, folder string
		without            []string
	}{{"WGS 2025", "wgs.csv", "wgs", []string{withdrawn}}, {"Clinical 2025", "clinical.csv", "clinical", nil}} {
		if err := s.soon(); err != nil {
			return err
		}
		in := toImport{collection: "DEMO", name: set.name, list: filepath.Join(folder, set.list), folder: filepath.Join(folder, set.folder), without: set.without}
		id, err := s.importSet(steward, in)
		if err != nil {
			return err
		}
		s.sets[set.name] = id
	}
	return nil
}

func (s *story) importSet(steward account.Who, in toImport) (licensing.DatasetID, error) {
	root, err := os.OpenRoot(in.folder)
	if err != nil {
		return "", err
	}
	defer root.Close()
	list, faults, err := readImport(root.FS(), in)
	if err != nil || len(faults) > 0 {
		return "", errors.Join(err, (&command{err: io.Discard}).refuseList(in.list, faults))
	}
	list.Collection, list.Dataset, list.Folder = in.collection, in.name, root.FS()
	d, err := s.depot.Import(s.ctx, steward, list)
	return d.ID, err
}
