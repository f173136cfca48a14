/** Drains in a shutdown hook: Drain SECONDS. */
public class Drain {
	public static void main(String[] args) throws Exception {
		double seconds = Double.parseDouble(args[0]);
		Runtime.getRuntime().addShutdownHook(new Thread(() -> {
			System.out.println("java: draining");
			try {
				Thread.sleep((long) (seconds * 1000));
			} catch (InterruptedException e) {
				return;
			}
			System.out.println("java: drained");
		}));
		System.out.println("java: ready");
		Thread.sleep(1000000);
	}
}
