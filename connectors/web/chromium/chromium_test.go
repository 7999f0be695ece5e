package chromium_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors/web"
	"github.com/curatore/curatore-go/connectors/web/chromium"
	"github.com/curatore/curatore-go/curatore"
)

func start(t *testing.T, o chromium.Options) *chromium.Renderer {
	t.Helper()
	r, err := chromium.New(o)
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("skipped: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// A crawl of a page that a script fills in stores what a person reads there, and the
// links that the script has made lead on.
func TestCrawl(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = fmt.Fprint(w, `<title>Prices</title><div id="app">Loading…</div><script>
				fetch("/data.json").then(r => r.json()).then(d => { document.getElementById("app").innerHTML = "<p>" + d.text + "</p><a href=/more>more</a>" })</script>`)
		case "/more":
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprint(w, `<title>More</title><script>document.write("<p>The second page, written by a script</p>"); alert("stop"); location = "http://example.invalid/"</script>`)
		case "/data.json":
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprint(w, `{"text": "Toner costs eighty dollars since May"}`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer site.Close()
	networks := []string{"127.0.0.0/8"}
	r := start(t, chromium.Options{AllowNetworks: networks})
	c, err := curatore.Open(t.Context(), curatore.Config{Database: "sqlite:" + filepath.Join(t.TempDir(), "web.db")},
		web.New(web.Settings{Renderer: r, DelayMillis: -1, AllowNetworks: networks, Collections: []web.Collection{{Name: "shop", Seeds: []string{site.URL + "/"}, Render: true}}}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	org, err := c.Organization(t.Context(), "acme", "test")
	if err != nil {
		t.Fatal(err)
	}
	run, err := org.Import(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := org.List(t.Context(), "scraped_asset", curatore.ListQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, item := range page.Items {
		texts = append(texts, item.TextPreview)
	}
	all := strings.Join(texts, "\n")
	if len(texts) != 2 || !strings.Contains(all, "Toner costs eighty dollars since May") || !strings.Contains(all, "The second page, written by a script") || strings.Contains(all, "Loading") {
		t.Errorf("%q", texts)
	}
}

// What a script fetches from a private network does not reach it, under any name.
func TestScriptsReachNoPrivateNetwork(t *testing.T) {
	var asked atomic.Int64
	inner := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Access-Control-Allow-Origin", "*")
		_, _ = fmt.Fprint(w, "the secret of the service")
	}))
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("skipped: this machine has no 127.0.0.2: ", err)
	}
	inner.Listener = listener
	inner.Start()
	defer inner.Close()
	r := start(t, chromium.Options{AllowNetworks: []string{"127.0.0.1/32"}})
	port := inner.URL[strings.LastIndexByte(inner.URL, ':'):]
	for _, address := range []string{inner.URL, "http://127.0.0.2.nip.io" + port, "https://127.0.0.2" + port, "http://0x7f000002" + port, "http://[::ffff:7f00:2]" + port, "http://169.254.169.254"} {
		html, err := r.Render(t.Context(), "http://127.0.0.1:1/", []byte(`<p id="p">waiting</p><iframe src="`+address+`/frame"></iframe><script src="`+address+`/x.js"></script><script>
			fetch("`+address+`/").then(r => r.text()).then(x => { document.getElementById("p").textContent = x }).catch(() => { document.getElementById("p").textContent = "refused" });
			try { new WebSocket("`+strings.Replace(address, "http", "ws", 1)+`/") } catch {}</script>`))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(html), "refused") || strings.Contains(string(html), "secret of the service") {
			t.Errorf("%s: %s", address, html)
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the service was asked %d times", n)
	}
}

// A script without an end costs its time, and the browser goes on.
func TestScriptsWithoutEnd(t *testing.T) {
	r := start(t, chromium.Options{Timeout: 3 * time.Second, Settle: time.Second, MaxBytes: 100_000})
	for name, c := range map[string]struct{ html, message string }{
		"loop":   {`<script>for (;;) {}</script>`, "took longer than"},
		"growth": {`<script>document.write("x".repeat(200000))</script>`, "the limit is 100000"},
	} {
		if _, err := r.Render(t.Context(), "http://127.0.0.1:1/", []byte(c.html)); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: %v", name, err)
		}
	}
	html, err := r.Render(t.Context(), "http://127.0.0.1:1/", []byte(`<p>still here</p>`))
	if err != nil || !strings.Contains(string(html), "still here") {
		t.Errorf("%s, %v", html, err)
	}
}

func TestNoBrowser(t *testing.T) {
	if _, err := chromium.New(chromium.Options{Executable: "a-browser-that-nobody-has"}); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
