using System.Collections.Concurrent;

namespace ChannelDistillation.Data.Photographs;

/// <summary>Files of a set that turned out to be unreadable, each counted once. Thread-safe.</summary>
/// <param name="images">Images of the whole set.</param>
/// <param name="what">For messages: "training" or "validation".</param>
/// <param name="instead">For messages, what is done about them: "each is shown as a uniform grey".</param>
internal sealed class BrokenPictures(int images, string what, string instead)
{
    private const int AlwaysTolerated = 10;
    private const double Share = 0.01;
    private const int Named = 10;
    private readonly ConcurrentDictionary<int, string> found = new();

    /// <exception cref="MissingException">More are broken than chance breaks: something is wrong with the whole set.</exception>
    public void Add(int index, string name, string reason)
    {
        found.TryAdd(index, $"{name}: {reason}");
        if (found.Count > Math.Max(AlwaysTolerated, Share * images))
        {
            throw new MissingException(
                $"More than {found.Count - 1} of the {images} images for {what} cannot be read, so the set is not what it should be. "
                    + $"Copy it again from where it came. Among them:\n{Names(3)}"
            );
        }
    }

    /// <summary>One remark for the end of a training, none where everything could be read.</summary>
    public IEnumerable<string> Remarks()
    {
        if (!found.IsEmpty)
        {
            yield return $"{found.Count} of the {images} images for {what} cannot be read; {instead}:\n{Names(Named)}";
        }
    }

    private string Names(int most)
    {
        var names = found.OrderBy(entry => entry.Key).Select(entry => $"  {entry.Value}").ToArray();
        return string.Join('\n', names.Take(most).Concat(names.Length > most ? [$"  and {names.Length - most} more"] : []));
    }
}
