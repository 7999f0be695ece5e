package web

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"sync"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/store"
)

// A session is one crawl of all collections.
type session struct {
	in       connectors.Input[Settings]
	settings Settings
	types    types
	keeper   asset.Keeper
	web      *fetcher

	log     *os.File     // decisions as lines of JSON: as many as there are addresses
	drop    func() error // the log
	logged  *bufio.Writer
	crawled bool
	cut     int // addresses that were not looked at
}

// Close implements connectors.Session.
func (s *session) Close() error {
	if c, ok := s.web.client.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
	if s.log == nil {
		return nil
	}
	return s.drop()
}

// Preflight implements connectors.Preflighter: the first seed of each collection
// answers.
func (s *session) Preflight(ctx context.Context) (found []connectors.Finding) {
	for _, c := range s.settings.Collections {
		u, err := normalise(nil, c.Seeds[0])
		var a *answer
		if err == nil {
			a, err = s.web.get(ctx, u, nil, bound{bytes: s.settings.MaxBytes}, maxRedirects, nil)
		}
		if err == nil && a.status >= 400 {
			err = fmt.Errorf("%s answers %d", u, a.status)
		}
		if err == nil && !c.IgnoreRobots {
			if ok, why := s.web.allowed(ctx, u); !ok {
				err = errors.New(why)
			}
		}
		if err != nil {
			found = append(found, connectors.Failed("reachable", fmt.Errorf("%s: %w", c.Name, err)))
			continue
		}
		found = append(found, connectors.Passed("reachable", c.Name))
	}
	return found
}

// Streams implements connectors.Session. Pages are never deleted for being absent,
// so their stream is incremental and gives tombstones.
func (s *session) Streams() []connectors.Stream {
	collections := func(context.Context, string) iter.Seq2[connectors.Record, error] {
		return func(yield func(connectors.Record, error) bool) {
			for _, c := range s.settings.Collections {
				if !yield(connectors.Record{Row: &ScrapeCollection{Name: c.Name, Seeds: c.Seeds, Hosts: s.hostsOf(c)}}, nil) {
					return
				}
			}
		}
	}
	return []connectors.Stream{
		{Type: s.types.collections, Mode: connectors.Incremental, Read: collections},
		{Type: s.types.assets, Mode: connectors.Incremental, Read: func(ctx context.Context, _ string) iter.Seq2[connectors.Record, error] {
			return func(yield func(connectors.Record, error) bool) {
				if err := s.crawl(ctx, func(r connectors.Record) bool { return yield(r, nil) }); err != nil {
					yield(connectors.Record{}, err)
				}
			}
		}},
		{Type: s.types.decisions, Read: s.decisions, Incomplete: func() string {
			if s.cut > 0 {
				return fmt.Sprintf("%d addresses were not looked at", s.cut)
			}
			return ""
		}},
	}
}

// decisions gives what the crawl has decided. When an earlier attempt of this run
// has read the pages, it asks for them again: they are unchanged, mostly.
func (s *session) decisions(ctx context.Context, _ string) iter.Seq2[connectors.Record, error] {
	return func(yield func(connectors.Record, error) bool) {
		if !s.crawled {
			if err := s.crawl(ctx, func(connectors.Record) bool { return true }); err != nil {
				yield(connectors.Record{}, err)
				return
			}
		}
		if err := s.logged.Flush(); err != nil {
			yield(connectors.Record{}, err)
			return
		}
		if _, err := s.log.Seek(0, io.SeekStart); err != nil {
			yield(connectors.Record{}, err)
			return
		}
		d := json.NewDecoder(bufio.NewReader(s.log))
		for {
			var line ScrapeDecision
			if err := d.Decode(&line); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				yield(connectors.Record{}, err)
				return
			}
			if !yield(connectors.Record{Row: &line}, nil) {
				return
			}
		}
	}
}

// keyOf is the key of an address in a collection.
func keyOf(collection, address string) string {
	key := collection + " " + address
	if len(key) <= store.MaxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return key[:store.MaxKey-66] + "#" + hex.EncodeToString(sum[:])
}

// A target is an address to be read.
type target struct {
	url   string
	depth int
	from  string // the page that led to it
	seed  bool
	left  bool // it is stored, and nothing leads to it any more
	asIs  bool // it is read under this address, whatever it says that its own is
}

// errStop ends a crawl that nobody reads any more.
var errStop = errors.New("stop")

// crawl reads all collections, one behind the other. Records come in an order that
// depends on the pages alone.
func (s *session) crawl(ctx context.Context, give func(connectors.Record) bool) error {
	if s.log == nil {
		log, drop, err := (blob.Spill{}).Create()
		if err != nil {
			return err
		}
		s.log, s.drop, s.logged = log, drop, bufio.NewWriter(log)
	} else if err := errors.Join(s.log.Truncate(0), seekStart(s.log)); err != nil {
		return err
	}
	s.logged.Reset(s.log)
	s.cut, s.crawled = 0, false
	for _, c := range s.settings.Collections {
		w := &walk{session: s, c: c, rules: newRules(c, s.hostsOf(c)), met: map[[16]byte]bool{}, seeds: map[[16]byte]bool{}, texts: map[[16]byte]string{}, kept: map[[16]byte]bool{}, give: give}
		err := w.run(ctx)
		s.cut += w.cut
		if errors.Is(err, errStop) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	s.crawled = true
	return nil
}

func seekStart(f *os.File) error {
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// A walk is the crawl of one collection.
type walk struct {
	*session
	c     Collection
	rules *rules
	met   map[[16]byte]bool   // addresses that are decided on, or wait
	seeds map[[16]byte]bool   // addresses that the rules do not exclude
	texts map[[16]byte]string // the first address with a text
	kept  map[[16]byte]bool   // addresses that are stored
	aside []copied            // pages that say that they are copies
	pages int
	tries int // addresses that were asked
	cut   int
	next  []target
	give  func(connectors.Record) bool
}

func fingerprint(s string) (sum [16]byte) {
	full := sha256.Sum256([]byte(s))
	copy(sum[:], full[:])
	return sum
}

func (w *walk) run(ctx context.Context) error {
	for _, seed := range w.c.Seeds {
		u, err := normalise(nil, seed)
		if err != nil {
			return err
		}
		if err := w.add(target{url: u.String(), seed: true}); err != nil {
			return err
		}
	}
	if w.c.Sitemaps {
		if err := w.addSitemaps(ctx); err != nil {
			return err
		}
	}
	for len(w.next) > 0 {
		level := w.next
		w.next = nil
		if err := w.level(ctx, level); err != nil {
			return err
		}
	}
	if err := w.copies(ctx); err != nil {
		return err
	}
	left, err := w.leftovers(ctx)
	if err != nil {
		return err
	}
	return w.level(ctx, left)
}

// A copied page says that its own address is another one.
type copied struct {
	target
	of string
}

// copies decides on pages that say that they are copies. Where what they are said to be
// copies of was not stored, since it is missing or leads back, they are read after all:
// else there would be neither.
func (w *walk) copies(ctx context.Context) error {
	var orphans []target
	for _, c := range w.aside {
		if !w.kept[fingerprint(c.of)] {
			c.asIs = true
			orphans = append(orphans, c.target)
			w.kept[fingerprint(c.url)] = true // others that lead to it are its copies
			continue
		}
		f := fetched{target: c.target}
		var err error
		if f.old, err = w.stored(ctx, c.url); err != nil {
			return err
		}
		f.miss(Redirected, "its canonical address is "+c.of)
		if err := w.decide(c.target, f.decision, f.reason); err != nil {
			return err
		}
		if err := w.write(f, c.url); err != nil {
			return err
		}
	}
	w.aside = nil
	return w.level(ctx, orphans)
}

// addSitemaps adds what the sites of the seeds list, one link away from a seed.
func (w *walk) addSitemaps(ctx context.Context) error {
	for _, name := range w.hostsOf(Collection{Seeds: w.c.Seeds}) {
		for _, seed := range w.c.Seeds {
			u, err := normalise(nil, seed)
			if err != nil || u.Host != name {
				continue
			}
			if !w.c.IgnoreRobots {
				if ok, _ := w.web.allowed(ctx, &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/sitemap.xml"}); !ok {
					break
				}
			}
			for _, found := range w.web.sitemap(ctx, u) {
				if err := w.add(target{url: found.String(), depth: 1, from: "sitemap"}); err != nil {
					return err
				}
			}
			break
		}
	}
	return nil
}

// add queues an address that has not been met, or decides that it is not read.
func (w *walk) add(t target) error {
	sum := fingerprint(t.url)
	if w.met[sum] {
		return nil
	}
	if len(w.met) >= maxAddresses {
		w.cut++
		return nil
	}
	w.met[sum] = true
	if t.seed {
		w.seeds[sum] = true
	}
	u, err := url.Parse(t.url)
	if err != nil {
		return err
	}
	if !t.seed {
		why := w.rules.excluded(u)
		if why == "" && t.depth > max(w.rules.depth, 0) {
			why = fmt.Sprintf("it is more than %d links away from a seed", max(w.rules.depth, 0))
		}
		if why == "" {
			why = w.rules.another(u)
		}
		if why != "" {
			return w.decide(t, Skipped, why)
		}
	}
	w.next = append(w.next, t)
	return nil
}

// decide writes down what became of an address.
func (w *walk) decide(t target, decision, reason string) error {
	line, err := json.Marshal(&ScrapeDecision{Key: keyOf(w.c.Name, t.url), URL: t.url, Collection: w.c.Name, Decision: decision, Reason: reason, FoundOn: t.from, Depth: t.depth})
	if err != nil {
		return err
	}
	_, err = w.logged.Write(append(line, '\n'))
	return err
}

// leftovers returns what is stored and was not met. What the rules exclude now is
// deleted; the rest is asked whether it is still there.
func (w *walk) leftovers(ctx context.Context) (left []target, err error) {
	q := store.Query{Limit: 100, Filters: []content.Filter{{Field: "collection", Op: content.Equal, Values: []string{w.c.Name}}}}
	var excluded []target
	var reasons []string
	for row, err := range w.in.Stored.Each(ctx, w.types.assets, q) {
		if err != nil {
			return nil, err
		}
		a := row.(*ScrapedAsset)
		u, err := url.Parse(a.URL)
		if err != nil {
			continue
		}
		sum := fingerprint(a.URL)
		t := target{url: a.URL, depth: a.Depth, left: true}
		if why := w.rules.excluded(u); why != "" && !w.seeds[sum] {
			excluded, reasons = append(excluded, t), append(reasons, why)
		} else if !w.met[sum] {
			left = append(left, t)
		}
	}
	for i, t := range excluded {
		if err := w.remove(t.url); err != nil {
			return nil, err
		}
		if w.met[fingerprint(t.url)] { // the decision stands already
			continue
		}
		if err := w.decide(t, Skipped, reasons[i]); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// remove gives a tombstone.
func (w *walk) remove(address string) error {
	return w.yield(connectors.Record{Deleted: true, Key: keyOf(w.c.Name, address)})
}

func (w *walk) yield(r connectors.Record) error {
	if !w.give(r) {
		return errStop
	}
	return nil
}

// level reads addresses, several at the same time, and takes what came in their
// order.
func (w *walk) level(ctx context.Context, targets []target) (err error) {
	if why := w.full(); why != "" {
		return w.leave(targets, why)
	}
	ctx, cancel := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel()
	waiting := make(chan chan fetched, w.settings.Parallel)
	done := make(chan struct{})
	defer func() { <-done }()
	defer cancel()
	go func() {
		defer close(done)
		defer close(waiting)
		for _, t := range targets {
			result := make(chan fetched, 1)
			select {
			case waiting <- result:
			case <-ctx.Done():
				return
			}
			workers.Go(func() { result <- w.fetch(ctx, t) })
		}
	}()
	n := 0
	for result := range waiting {
		f := <-result
		n++
		if f.err != nil {
			return f.err
		}
		if err := w.take(f); err != nil {
			return err
		}
		if w.tries++; w.full() != "" {
			break
		}
	}
	why := w.full()
	if why == "" {
		return context.Cause(ctx)
	}
	return w.leave(targets[n:], why)
}

// leave decides that addresses are not read.
func (w *walk) leave(targets []target, why string) error {
	for _, t := range targets {
		if t.left {
			continue // it stays as it is
		}
		if err := w.decide(t, Skipped, why); err != nil {
			return err
		}
	}
	return nil
}

// full says why no more is read, or "": a site whose pages are all copies of each other
// would otherwise be read for ever.
func (w *walk) full() string {
	switch most := maxTries*w.rules.pages + len(w.c.Seeds); {
	case w.pages >= w.rules.pages:
		return fmt.Sprintf("the collection has its %d pages", w.rules.pages)
	case w.tries >= most:
		return fmt.Sprintf("%d addresses were asked for %d pages", most, w.pages)
	}
	return ""
}
