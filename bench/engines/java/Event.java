package bench;

/** One event as an object: public fields for Flink, getters for Esper. */
public class Event {
    public long ts;
    public String type;
    public String user;
    public double speed;
    public double amount;
    public String country;

    public long getTs() {
        return ts;
    }

    public String getType() {
        return type;
    }

    public String getUser() {
        return user;
    }

    public double getSpeed() {
        return speed;
    }

    public double getAmount() {
        return amount;
    }

    public String getCountry() {
        return country;
    }
}
