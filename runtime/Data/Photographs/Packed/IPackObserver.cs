namespace ChannelDistillation.Data.Photographs.Packed;

/// <summary>Is told how packing goes, some times per second.</summary>
public interface IPackObserver
{
    /// <param name="images">To be packed in all, or to be checked.</param>
    /// <param name="what">The activity: "Packing data/imagenet".</param>
    void Started(string what, int images);

    /// <param name="images">Done so far.</param>
    /// <param name="bytes">Of them, in the copy.</param>
    void Advanced(int images, long bytes);

    void Say(string message);
}
