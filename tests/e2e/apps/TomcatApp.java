// Tomcat as it comes, with its default servlet and its own sessions. It closes idle connections after half a second.
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.servlets.DefaultServlet;
import org.apache.catalina.startup.Tomcat;

public class TomcatApp {
    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createTempDirectory("tomcat-");
        Files.createDirectory(folder.resolve("items"));
        Files.writeString(folder.resolve("items/index.html"), "items");
        Connector connector = new Connector();
        connector.setProperty("address", "127.0.0.1");
        connector.setPort(Integer.parseInt(arguments[0]));
        connector.setProperty("keepAliveTimeout", "500");
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(folder.toString());
        tomcat.setConnector(connector);
        Context context = tomcat.addContext("", folder.toString());
        context.addWelcomeFile("index.html");
        add(context, "default", "/", new DefaultServlet());
        add(context, "app", "/login", new App());
        for (String path : new String[] {"/home", "/echo", "/events"}) {
            context.addServletMappingDecoded(path, "app");
        }
        tomcat.start();
        tomcat.getServer().await();
    }

    private static void add(Context context, String name, String path, HttpServlet servlet) {
        Tomcat.addServlet(context, name, servlet);
        context.addServletMappingDecoded(path, name);
    }

    static class App extends HttpServlet {
        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            switch (request.getServletPath()) {
                case "/login" -> {
                    request.getSession().setAttribute("user", "me");
                    response.sendRedirect(request.getRequestURL().toString().replace("/login", "/home"));
                }
                case "/home" -> {
                    response.setContentType("text/plain");
                    response.getWriter().print("hello " + request.getSession().getAttribute("user"));
                }
                default -> {
                    response.setContentType("text/event-stream");
                    for (int number = 0; number < 3; number++) {
                        response.getWriter().print("data: " + number + "\n\n");
                        response.flushBuffer();
                    }
                }
            }
        }

        @Override
        protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.setContentType("text/plain");
            response.getWriter().print(request.getInputStream().readAllBytes().length);
        }
    }
}
