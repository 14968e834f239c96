package portal

func (s *Server) signInRoutes() {}
