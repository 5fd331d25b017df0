using System.Collections.Concurrent;
using ChannelDistillation.Core;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>The unreadable files of a set, each counted once. Thread-safe.</summary>
/// <param name="images">Number of images in the whole set.</param>
/// <param name="what">For messages: "training" or "validation".</param>
/// <param name="instead">For messages, how they are handled: "each is replaced by uniform grey".</param>
internal sealed class CorruptImages(int images, string what, string instead)
{
    private const int AlwaysTolerated = 10;
    private const double Share = 0.01;
    private const int Named = 10;
    private readonly ConcurrentDictionary<int, (string Name, string Reason)> found = new();

    /// <exception cref="MissingException">Too many files are unreadable for occasional damage.</exception>
    public void Add(int index, string name, string reason)
    {
        found.TryAdd(index, (name, reason));
        if (found.Count > Math.Max(AlwaysTolerated, Share * images))
        {
            throw new MissingException(
                $"More than {found.Count - 1} of the {images} {what} images cannot be read, too many for occasional damage. Remove or replace "
                    + $"them, or copy the dataset again:\n{Names()}"
            );
        }
    }

    /// <summary>One remark for the end of training, or none if all images were readable.</summary>
    public IEnumerable<string> Remarks()
    {
        if (!found.IsEmpty)
        {
            yield return $"{found.Count} of the {images} {what} images cannot be read; {instead}:\n{Names()}";
        }
    }

    /// <summary>All files if there are few; otherwise one for each reason.</summary>
    private string Names()
    {
        var all = found.OrderBy(entry => entry.Key).Select(entry => entry.Value).ToArray();
        if (all.Length <= Named)
        {
            return string.Join('\n', all.Select(file => $"  {file.Name}: {file.Reason}"));
        }

        var reasons = all.GroupBy(file => file.Reason).OrderByDescending(group => group.Count()).ToArray();
        var lines = reasons.Take(Named).Select(group => $"  {group.Count()} x {group.Key}: {group.First().Name}");
        return string.Join('\n', reasons.Length > Named ? lines.Append($"  and {reasons.Length - Named} other reasons") : lines);
    }
}
