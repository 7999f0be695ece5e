// Package chromium renders pages for the connection "web" in a local Chromium.
//
// Many sites send a page without words, which a script fills in. What a script
// fetches is chosen by the site: in a browser that runs beside a program's services
// it would reach them, the metadata of the cloud, the router. Here the browser has no
// network of its own. Its requests go through a proxy in this process, which dials
// public addresses only, as the crawler does; the page itself is the one that the
// crawler has fetched.
//
//	browser, err := chromium.New(chromium.Options{})
//	defer browser.Close()
//	c, err := curatore.Open(ctx, config, web.New(web.Settings{Renderer: browser,
//		Collections: []web.Collection{{Name: "shop", Seeds: seeds, Render: true}}}))
//
// It is a module of its own, so that nobody else links the browser's protocol.
package chromium

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/curatore/curatore-go/connectors/guard"
	"github.com/curatore/curatore-go/connectors/web"
	"github.com/curatore/curatore-go/content"
)

// Options of a Renderer. The zero value is right for most.
type Options struct {
	// Executable is the browser; "" looks for chromium, chromium-browser,
	// google-chrome and chrome-headless-shell.
	Executable string
	// AllowNetworks are private networks that scripts may read, as in web.Settings.
	AllowNetworks []string
	// Timeout is how long one page may take; 0 is 30 s.
	Timeout time.Duration
	// Settle is how long a page that is loaded may go on fetching before it is taken
	// as it is; 0 is 5 s.
	Settle time.Duration
	// Pages is how many are rendered at the same time; 0 is 4.
	Pages int
	// MaxBytes is how long a rendered page may be; 0 is 20 MB.
	MaxBytes int
}

// A Renderer is a running browser. It is safe for concurrent use.
type Renderer struct {
	options Options
	proxy   *proxy
	turns   chan struct{}
	root    context.Context //nolint:containedctx // chromedp keeps the browser in it
	stop    func()
	once    sync.Once
}

var _ web.Renderer = (*Renderer)(nil)

// maxRequests bounds what one page may fetch.
const maxRequests = 300

// New starts a browser. Close it. Without one on the machine the error wraps
// exec.ErrNotFound.
func New(o Options) (*Renderer, error) {
	o.Timeout, o.Settle = cmp.Or(o.Timeout, 30*time.Second), cmp.Or(o.Settle, 5*time.Second)
	o.Pages, o.MaxBytes = cmp.Or(o.Pages, 4), cmp.Or(o.MaxBytes, 20<<20)
	executable, err := find(o.Executable)
	if err != nil {
		return nil, err
	}
	client, err := guard.Client(guard.Options{AllowNetworks: o.AllowNetworks})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", content.ErrInvalid, err)
	}
	p, err := newProxy(client)
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(executable), chromedp.DisableGPU,
		chromedp.ProxyServer("http://"+p.address()),
		chromedp.Flag("proxy-bypass-list", "<-loopback>"), // this machine is asked through the proxy, too
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("force-webrtc-ip-handling-policy", "disable_non_proxied_udp"),
		chromedp.Flag("blink-settings", "imagesEnabled=false"),
		chromedp.Flag("mute-audio", true))
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	root, stopBrowser := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {})) // errors are returned
	r := &Renderer{options: o, proxy: p, turns: make(chan struct{}, o.Pages), root: root, stop: func() {
		stopBrowser()
		stopAllocator()
	}}
	if _, err := chromedp.CallBrowser(root, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorDeny}); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", executable, err), r.Close())
	}
	return r, nil
}

// find returns the path of a browser.
func find(name string) (string, error) {
	names := []string{"chromium", "chromium-browser", "google-chrome", "chrome-headless-shell"}
	if name != "" {
		names = []string{name}
	}
	var wrong error
	for _, n := range names {
		path, err := exec.LookPath(n)
		if err == nil {
			return path, nil
		}
		wrong = cmp.Or(wrong, err)
	}
	return "", fmt.Errorf("no browser was found: %w; install chromium, or set Options.Executable", wrong)
}

// Close ends the browser and what it is rendering.
func (r *Renderer) Close() (err error) {
	r.once.Do(func() {
		r.stop()
		err = r.proxy.close()
	})
	return err
}

// Render implements web.Renderer: the HTML of a page at an address after its scripts
// have run, and have fetched nothing for half a second, or for as long as they may. A
// page that leads elsewhere by a script, opens a dialogue or a download, does not get
// it.
func (r *Renderer) Render(ctx context.Context, address string, html []byte) ([]byte, error) {
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	limited, cancel := context.WithTimeoutCause(r.root, r.options.Timeout, fmt.Errorf("the page took longer than %s", r.options.Timeout))
	defer cancel()
	tab, closeTab := chromedp.NewContext(limited, chromedp.WithNewBrowserContext())
	defer closeTab()
	defer context.AfterFunc(ctx, closeTab)()
	rendered, err := r.render(tab, address, html)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil && limited.Err() != nil:
		return nil, context.Cause(limited)
	case err != nil:
		return nil, err
	case len(rendered) > r.options.MaxBytes:
		return nil, fmt.Errorf("the page has %d bytes after its scripts; the limit is %d", len(rendered), r.options.MaxBytes)
	}
	return []byte(rendered), nil
}

func (r *Renderer) render(tab context.Context, address string, html []byte) (string, error) {
	quiet := make(chan struct{}, 1)
	paused := make(chan *fetch.EventRequestPaused, maxRequests)
	dialogs := make(chan struct{}, 16)
	if err := chromedp.Listen(tab, func(event any) {
		switch event := event.(type) {
		case *page.EventLifecycleEvent:
			switch main := event.FrameID == mainFrame(tab); {
			case main && event.Name == "init": // what was quiet was the empty tab
				select {
				case <-quiet:
				default:
				}
			case main && event.Name == "networkIdle":
				offer(quiet, struct{}{})
			}
		case *fetch.EventRequestPaused:
			offer(paused, event) // one that is dropped waits until the page is closed
		case *page.EventJavascriptDialogOpening:
			offer(dialogs, struct{}{})
		}
	}); err != nil {
		return "", err
	}
	answering, stop := context.WithCancel(tab)
	var done sync.WaitGroup
	defer done.Wait()
	defer stop()
	done.Go(func() { answer(answering, paused, dialogs, html) })
	if _, err := chromedp.Call(tab, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: "*"}}}); err != nil {
		return "", err
	}
	if _, err := chromedp.Call(tab, page.SetLifecycleEventsEnabled, page.SetLifecycleEventsEnabledParams{Enabled: true}); err != nil {
		return "", err
	}
	if err := chromedp.Do(tab, chromedp.Navigate(address)); err != nil {
		return "", fmt.Errorf("load the page: %w", err)
	}
	settle := time.NewTimer(r.options.Settle)
	defer settle.Stop()
	select {
	case <-quiet:
	case <-settle.C:
	case <-tab.Done():
		return "", context.Cause(tab)
	}
	return chromedp.Run(tab, chromedp.Evaluate[string]("'<!DOCTYPE html>' + document.documentElement.outerHTML"))
}

func mainFrame(tab context.Context) cdp.FrameID {
	if c := chromedp.FromContext(tab); c != nil && c.Target != nil {
		return cdp.FrameID(c.Target.TargetID)
	}
	return ""
}

// offer sends without waiting.
func offer[T any](to chan T, v T) {
	select {
	case to <- v:
	default:
	}
}

// answer decides about each request of a page: the first is the page itself, what
// gives no text is not fetched, and neither is another page in its place.
func answer(ctx context.Context, paused <-chan *fetch.EventRequestPaused, dialogs <-chan struct{}, html []byte) {
	first, n := true, 0
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-dialogs:
			_, err = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{})
		case event := <-paused:
			n++
			main := event.ResourceType == network.ResourceTypeDocument && event.FrameID == mainFrame(ctx)
			switch {
			case main && first:
				first = false
				_, err = chromedp.Call(ctx, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: event.RequestID, ResponseCode: 200,
					ResponseHeaders: []*fetch.HeaderEntry{{Name: "Content-Type", Value: "text/html; charset=utf-8"}}, Body: html})
			case main: // aborted, it leaves the page as it is
				_, err = chromedp.Call(ctx, fetch.FailRequest, fetch.FailRequestParams{RequestID: event.RequestID, ErrorReason: network.ErrorReasonAborted})
			case n > maxRequests, without(event.ResourceType):
				_, err = chromedp.Call(ctx, fetch.FailRequest, fetch.FailRequestParams{RequestID: event.RequestID, ErrorReason: network.ErrorReasonBlockedByClient})
			default:
				_, err = chromedp.Call(ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: event.RequestID})
			}
		}
		if err != nil && ctx.Err() != nil { // any other is of a request that is gone
			return
		}
	}
}

// without reports whether a resource adds no words to a page.
func without(t network.ResourceType) bool {
	switch t {
	case network.ResourceTypeImage, network.ResourceTypeMedia, network.ResourceTypeFont, network.ResourceTypePing, network.ResourceTypeWebSocket:
		return true
	}
	return false
}
