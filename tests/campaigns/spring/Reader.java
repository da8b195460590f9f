import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.cloud.client.discovery.simple.SimpleDiscoveryClient;

/** Prints what SimpleDiscoveryClient finds: a line an instance, each text of it in Base64. */
@EnableAutoConfiguration
public class Reader {
    public static void main(String[] arguments) {
        var application = new SpringApplication(Reader.class);
        application.setWebApplicationType(WebApplicationType.NONE);
        var client = application.run(arguments).getBean(SimpleDiscoveryClient.class);
        for (String service : client.getServices()) {
            System.out.println("service " + encoded(service));
            for (var instance : client.getInstances(service)) {
                var line = new StringBuilder("instance " + encoded(instance.getUri().toString()));
                for (Map.Entry<String, String> entry : new TreeMap<>(instance.getMetadata()).entrySet()) {
                    line.append(" " + encoded(entry.getKey()) + " " + encoded(entry.getValue()));
                }
                System.out.println(line);
            }
        }
    }

    static String encoded(String text) {
        return "=" + Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
