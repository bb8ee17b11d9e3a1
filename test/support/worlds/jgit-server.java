// Serves the bare repositories of a folder with JGit's servlet on Jetty, to one account. Reads {root, authorization} as JSON
// from standard input, and writes its port when it is ready.
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import javax.servlet.DispatcherType;
import javax.servlet.Filter;
import javax.servlet.FilterChain;
import javax.servlet.FilterConfig;
import javax.servlet.ServletException;
import javax.servlet.ServletRequest;
import javax.servlet.ServletResponse;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.FilterHolder;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jgit.http.server.GitServlet;
import org.eclipse.jgit.transport.resolver.FileResolver;

class JGitServer {
  public static void main(String[] args) throws Exception {
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    JsonObject settings = new JsonParser().parse(input.readLine()).getAsJsonObject();
    GitServlet git = new GitServlet();
    git.setRepositoryResolver(new FileResolver<>(new File(settings.get("root").getAsString()), true));

    ServletContextHandler context = new ServletContextHandler();
    Guard guard = new Guard(settings.get("authorization").getAsString());
    context.addFilter(new FilterHolder(guard), "/*", EnumSet.of(DispatcherType.REQUEST));
    context.addServlet(new ServletHolder(git), "/*");

    Server server = new Server();
    ServerConnector connector = new ServerConnector(server);
    connector.setHost("127.0.0.1");
    server.addConnector(connector);
    server.setHandler(context);
    server.start();
    System.out.println(connector.getLocalPort());
    server.join();
  }

  private record Guard(String authorization) implements Filter {
    @Override
    public void init(FilterConfig config) {}

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      if (authorization.equals(((HttpServletRequest) request).getHeader("Authorization"))) {
        chain.doFilter(request, response);
        return;
      }
      HttpServletResponse answer = (HttpServletResponse) response;
      answer.setHeader("WWW-Authenticate", "Basic realm=\"JGit\"");
      answer.sendError(HttpServletResponse.SC_UNAUTHORIZED);
    }

    @Override
    public void destroy() {}
  }
}
