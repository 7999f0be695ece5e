package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// A Recorder is a transport that keeps what goes through it, so that a test can
// play it back later without the service. Credentials in headers are never kept;
// parameters of the query that hold some are named in Hide. It is safe for
// concurrent use.
type Recorder struct {
	Transport http.RoundTripper // nil is http.DefaultTransport
	Hide      []string          // parameters of queries whose values are left out
	Secrets   []Secret          // taken out of addresses and bodies

	mu        sync.Mutex
	exchanges []exchange
}

// An exchange is one request with its answer. Requests are told apart by method,
// address and body.
type exchange struct {
	Method  string      `json:"method"`
	URL     string      `json:"url"`
	Request string      `json:"request,omitempty"`
	Status  int         `json:"status"`
	Header  http.Header `json:"header,omitempty"`
	Body    string      `json:"body"`
}

// keptHeaders are those of answers that a client acts by.
var keptHeaders = []string{"Content-Type", "Etag", "Last-Modified", "Link", "Location", "Retry-After", "Sforce-Locator", "Sforce-Numberofrecords"}

// RoundTrip implements http.RoundTripper.
func (r *Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := drain(&req.Body)
	if err != nil {
		return nil, err
	}
	transport := r.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := drain(&resp.Body)
	if err != nil {
		return nil, err
	}
	var secrets redactor
	for _, s := range r.Secrets {
		secrets.add(s)
	}
	e := exchange{Method: req.Method, URL: secrets.clean(plainURL(req.URL, r.Hide)), Request: secrets.clean(string(sent)),
		Status: resp.StatusCode, Header: http.Header{}, Body: secrets.clean(string(body))}
	for _, name := range keptHeaders {
		if v := resp.Header.Values(name); len(v) > 0 {
			for _, text := range v {
				e.Header.Add(name, secrets.clean(text))
			}
		}
	}
	r.mu.Lock()
	r.exchanges = append(r.exchanges, e)
	r.mu.Unlock()
	return resp, nil
}

// WriteTo writes what was recorded, as JSON.
func (r *Recorder) WriteTo(w io.Writer) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, err := json.MarshalIndent(r.exchanges, "", "  ")
	if err != nil {
		return 0, err
	}
	n, err := w.Write(append(b, '\n'))
	return int64(n), err
}

// Replay returns a transport that plays back what a Recorder wrote: the same
// request gets the same answer, and each further one the next that was recorded
// for it, the last one for ever. A request that was not recorded is an error.
// Hide is that of the Recorder.
func Replay(recording []byte, hide ...string) (http.RoundTripper, error) {
	p := &player{hide: hide, at: map[string]int{}}
	if err := json.Unmarshal(recording, &p.exchanges); err != nil {
		return nil, fmt.Errorf("the recording cannot be read: %w", err)
	}
	return p, nil
}

type player struct {
	hide      []string
	exchanges []exchange
	mu        sync.Mutex
	at        map[string]int
}

func (p *player) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := drain(&req.Body)
	if err != nil {
		return nil, err
	}
	address := plainURL(req.URL, p.hide)
	key := req.Method + " " + address + " " + string(sent)
	var found []exchange
	for _, e := range p.exchanges {
		if e.Method == req.Method && e.URL == address && e.Request == string(sent) {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the recording has no answer to %s %s", req.Method, Address(req.URL))
	}
	p.mu.Lock()
	n := p.at[key]
	p.at[key]++
	p.mu.Unlock()
	e := found[min(n, len(found)-1)]
	header := e.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{Status: fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)), StatusCode: e.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader([]byte(e.Body))), ContentLength: int64(len(e.Body)), Request: req}, nil
}

// plainURL is a URL with its parameters in order, without the hidden ones' values.
func plainURL(u *url.URL, hide []string) string {
	c := *u
	c.User = nil
	query := c.Query()
	for name := range query {
		if slices.Contains(hide, name) {
			query[name] = []string{redacted}
		}
	}
	c.RawQuery = query.Encode()
	return c.String()
}

// drain reads a body and puts it back.
func drain(body *io.ReadCloser) ([]byte, error) {
	if *body == nil || *body == http.NoBody {
		return nil, nil
	}
	b, err := io.ReadAll(*body)
	if e := (*body).Close(); err == nil {
		err = e
	}
	*body = io.NopCloser(bytes.NewReader(b))
	return b, err
}
