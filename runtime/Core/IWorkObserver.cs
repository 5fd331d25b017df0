namespace ChannelDistillation.Core;

/// <summary>What the amount of some work is counted in.</summary>
public enum WorkUnit
{
    Bytes,
    Images,
}

/// <summary>Observes work whose amount is known, such as a download: one piece of work after the other, called several times a second at most.</summary>
public interface IWorkObserver
{
    /// <param name="what">A file, or an activity: `Packing data/birds`.</param>
    /// <param name="total">The whole amount.</param>
    /// <param name="done">The amount that an earlier attempt has completed.</param>
    void Started(string what, long total, long done, WorkUnit unit);

    /// <param name="done">The amount that is complete; less than before if the work had to start over.</param>
    void Advanced(long done);

    /// <summary>The work that was started is complete, or was given up.</summary>
    void Ended();

    /// <summary>A sentence for the user: a retry, another process that is waited for.</summary>
    void Say(string message);
}
