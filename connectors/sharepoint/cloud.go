package sharepoint

import (
	"cmp"
	"net/url"
	"strings"
)

// A cloud is where tokens come from and what they are asked for.
type cloud struct{ login, graph, scope string }

// logins are the sign-in services of the clouds of Microsoft, each of which is a Graph
// of its own (learn.microsoft.com/graph/deployments).
var logins = map[string]string{
	"graph.microsoft.com":             "https://login.microsoftonline.com",
	"graph.microsoft.us":              "https://login.microsoftonline.us",
	"dod-graph.microsoft.us":          "https://login.microsoftonline.us",
	"microsoftgraph.chinacloudapi.cn": "https://login.chinacloudapi.cn",
}

// worldwide is the Graph of those who are in no national cloud.
const worldwide = "graph.microsoft.com"

// cloudOf tells a cloud by the address of its Graph. The scope is all that the
// application was granted there. A Graph that is reached by another address, such as
// that of a gateway, is the worldwide one.
func cloudOf(s Settings) cloud {
	host, graph := worldwide, strings.TrimRight(cmp.Or(s.GraphURL, "https://"+worldwide), "/")
	if u, err := url.Parse(graph); err == nil && logins[u.Hostname()] != "" {
		if host = u.Hostname(); u.Path == "" {
			graph += "/v1.0"
		}
	}
	return cloud{login: cmp.Or(s.LoginURL, logins[host]), graph: graph, scope: "https://" + host + "/.default"}
}
