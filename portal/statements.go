package portal

import (
	"fmt"
	"net/http"

	"sluice/templates"
)

func (s *Server) accessibility(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	return v.show("accessibility", v.page(templates.Text("")).ForAccessibility())
}

func (s *Server) privacy(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	return v.show("privacy", v.page(templates.Text("")).ForPrivacy())
}

func (s *Server) static(w http.ResponseWriter, r *http.Request, _ *visit) error {
	templates.Static().ServeHTTP(w, r)
	return nil
}

// robots keeps search engines out: there is nothing here for them.
func (s *Server) robots(w http.ResponseWriter, _ *http.Request, _ *visit) error {
	return plain(w, http.StatusOK, "User-agent: *\nDisallow: /\n")
}

// security says whom to tell about a weakness, as RFC 9116 asks.
func (s *Server) securityText(w http.ResponseWriter, _ *http.Request, v *visit) error {
	if s.cfg.Help == "" {
		return errNowhere
	}
	return plain(w, http.StatusOK, fmt.Sprintf("Contact: mailto:%s\nExpires: %s\nPreferred-Languages: nl, en\n",
		s.cfg.Help, v.At.AddDate(0, 6, 0).UTC().Format("2006-01-02T15:04:05Z")))
}
