package jobs

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/curatore/curatore-go/content/database"
)

// heraldPause is how long the next tidings of ends wait for company.
const heraldPause = 20 * time.Millisecond

// A herald tells other processes which runs have ended: those of a lone end at once,
// those of a crowd together. On Postgres a NOTIFY makes commits wait for each other and
// wakes all that listen, so that in the statements of the ends it would cost short runs
// a tenth of their time. What is lost with a process is seen at the next look.
type herald struct {
	mu      sync.Mutex
	news    []told
	working bool
}

// spread tells of runs that have ended: soon, when the caller has one of them still,
// and at once when Stop has taken them away.
func (s *Service) spread(news ...told) {
	if len(news) == 0 || s.db.Dialect().Name() != database.Postgres {
		return
	}
	select {
	case <-s.gaveUp:
		s.notify(news)
		return
	default:
	}
	s.herald.mu.Lock()
	defer s.herald.mu.Unlock()
	s.herald.news = append(s.herald.news, news...)
	if !s.herald.working {
		s.herald.working = true
		s.work.Add(1) // while the caller's run is counted
		go s.keepSpreading()
	}
}

func (s *Service) keepSpreading() {
	defer s.work.Done()
	for {
		s.herald.mu.Lock()
		news := s.herald.news
		s.herald.news = nil
		s.herald.working = len(news) > 0
		s.herald.mu.Unlock()
		if len(news) == 0 {
			return
		}
		s.notify(news)
		select {
		case <-time.After(heraldPause):
		case <-s.gaveUp:
		}
	}
}

func (s *Service) notify(news []told) {
	ctx, cancel := context.WithTimeout(context.Background(), s.lease)
	defer cancel()
	tidings, err := json.Marshal(s.tidingsOf(news))
	if err == nil {
		tell := func(ctx context.Context, tx *database.Tx) error {
			return tx.QueryRow(ctx, "SELECT count(pg_notify(?, value)) FROM jsonb_array_elements_text(?::jsonb) AS tidings (value)", channel, string(tidings)).Scan(new(int))
		}
		if err = s.db.AutoCommit(ctx, tell); err != nil { // perhaps the connection was lost long ago
			err = s.db.Write(ctx, tell)
		}
	}
	if err != nil {
		s.log.WarnContext(ctx, "other processes see that runs have ended when they look next", "error", err)
	}
}
