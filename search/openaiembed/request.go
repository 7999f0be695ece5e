package openaiembed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/sashabaranov/go-openai"

	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
)

// errFinal marks errors that trying again does not mend.
var errFinal = errors.New("not tried again")

// errLate says that an attempt took too long.
var errLate = errors.New("no answer")

// A refusal is an error that trying again does not mend.
type refusal struct{ error }

func (r refusal) Unwrap() []error { return []error{r.error, errFinal} }

// maxBody bounds an answer: 64 vectors of 4,096 values take some 4 MB.
const maxBody = 64 << 20

// An answer is what is known of an HTTP response, besides what the client made of
// it.
type answer struct {
	retryAfter time.Duration
	notNumbers bool // the vectors have NaN or infinities
}

type answerKey struct{}

// try makes one attempt. The answer is never nil.
func (e *Embedder) try(ctx context.Context, texts []string) ([][]float32, *answer, error) {
	last := &answer{}
	ctx, cancel := context.WithTimeoutCause(context.WithValue(ctx, answerKey{}, last), e.config.Timeout, fmt.Errorf("%w within %v", errLate, e.config.Timeout))
	defer cancel()
	e.requests.Add(1)
	req := openai.EmbeddingRequestStrings{Input: texts, Model: openai.EmbeddingModel(e.config.Model)}
	if thirdGeneration(e.config.Model) {
		req.Dimensions = e.config.Dimension
	}
	res, err := e.client.CreateEmbeddings(ctx, req)
	if last.notNumbers {
		return nil, last, refusal{fmt.Errorf("%w: it answered with vectors that are not numbers", content.ErrInvalid)}
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, last, context.Cause(ctx)
		}
		return nil, last, classified(err)
	}
	e.tokens.Add(int64(res.Usage.TotalTokens))
	list, err := e.vectors(res, len(texts))
	return list, last, err
}

// vectors takes the vectors out of a response, in the order of the texts.
func (e *Embedder) vectors(res openai.EmbeddingResponse, n int) ([][]float32, error) {
	if len(res.Data) != n {
		return nil, fmt.Errorf("it answered with %d vectors for %d texts", len(res.Data), n)
	}
	list := make([][]float32, n)
	dimension := e.model.Dimension
	for _, d := range res.Data {
		switch {
		case d.Index < 0 || d.Index >= n || list[d.Index] != nil:
			return nil, fmt.Errorf("it answered with no vector for one of %d texts", n)
		case len(d.Embedding) == 0 || dimension != 0 && len(d.Embedding) != dimension:
			return nil, refusal{fmt.Errorf("its vectors have %d values, not %d; set Config.Dimension to what the model has", len(d.Embedding), dimension)}
		}
		dimension = len(d.Embedding)
		zero := true
		for _, v := range d.Embedding {
			if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, refusal{fmt.Errorf("%w: it answered with a vector that has %v", content.ErrInvalid, x)}
			}
			zero = zero && v == 0
		}
		if zero {
			return nil, refusal{fmt.Errorf("%w: it answered with a vector of zeros", content.ErrInvalid)}
		}
		list[d.Index] = d.Embedding
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if name := string(res.Model); name != "" {
		if e.answered != "" && e.answered != name {
			return nil, refusal{fmt.Errorf("it answered with the model %q, and before with %q: their vectors do not go together", name, e.answered)}
		}
		e.answered = name
	}
	return list, nil
}

// classified tells errors that may pass from those that stay.
func classified(err error) error {
	status := 0
	var api *openai.APIError
	var request *openai.RequestError
	switch {
	case errors.As(err, &api):
		status = api.HTTPStatusCode
	case errors.As(err, &request):
		status = request.HTTPStatusCode
	}
	switch {
	case status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge || status == http.StatusUnprocessableEntity:
		return refusal{fmt.Errorf("%w: %w", content.ErrInvalid, err)}
	case status == http.StatusTooManyRequests && api != nil && (api.Code == "insufficient_quota" || api.Type == "insufficient_quota"):
		return refusal{err}
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status == http.StatusConflict || status >= 500 || status < 400:
		return err
	}
	return refusal{err}
}

// A doer sends requests, and notes what the client does not tell of the
// responses.
type doer struct{ client *http.Client }

// Do implements openai.HTTPDoer.
func (d doer) Do(req *http.Request) (*http.Response, error) {
	res, err := d.client.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("the answer has more than %d bytes", maxBody)
	}
	if last, ok := req.Context().Value(answerKey{}).(*answer); ok {
		now := time.Now()
		if at, ok := rest.RetryAfter(res.Header, now); ok {
			last.retryAfter = at.Sub(now)
		}
		last.notNumbers = res.StatusCode == http.StatusOK && notNumbers(body)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// notNumbers reports whether an answer has what JSON has no numbers for, and some
// servers write all the same. A null would be read as 0.
func notNumbers(body []byte) bool {
	for _, word := range []string{"NaN", "Infinity", "-Infinity", "null"} {
		for _, before := range []string{"[", ",", ", ", "[ "} {
			if bytes.Contains(body, []byte(before+word)) {
				return true
			}
		}
	}
	return false
}
