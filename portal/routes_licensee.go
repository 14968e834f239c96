package portal

// licenseeRoutes are the pages of applicants, signatories, representatives and contacts.
func (s *Server) licenseeRoutes() {}

// licenseeTasks is what waits for somebody with a part in a request.
func (s *Server) licenseeTasks(*visit) ([]group, error) { return nil, nil }

// licenseeNav is the part of the navigation that people with a part in a request see.
func (s *Server) licenseeNav(*visit) []navItem { return nil }
