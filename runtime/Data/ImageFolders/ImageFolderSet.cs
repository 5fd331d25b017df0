using ChannelDistillation.Core;
using ChannelDistillation.Imaging;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>
/// Images of any size. Without augmentation an image's shorter side is resized and the centre cropped; <see cref="AugmentationSpec.ResizedCrop"/>
/// takes a random crop instead.
/// </summary>
internal sealed class ImageFolderSet : IImageSet
{
    private readonly IImageStore store;
    private readonly ImageFolderRecipe recipe;
    private readonly CorruptImages broken;
    private readonly Normalisation normalisation;
    private readonly DecodingWorkers workers = new();
    private readonly IReadOnlyList<string> notes;
    private readonly Lazy<string> contents;

    /// <param name="store">Disposed with the set.</param>
    /// <param name="listing">Hash of the names and sizes of the files.</param>
    /// <param name="notes">Sentences on skipped files, for <see cref="Remarks"/>.</param>
    public ImageFolderSet(IImageStore store, ImageFolderRecipe recipe, string listing, IReadOnlyList<string>? notes = null)
        : this(store, recipe, notes ?? [], new Lazy<string>(() => $"{listing} {ContentSample.Of(store)}")) { }

    private ImageFolderSet(IImageStore store, ImageFolderRecipe recipe, IReadOnlyList<string> notes, Lazy<string> contents)
    {
        this.notes = notes;
        this.contents = contents;
        this.store = store;
        this.recipe = recipe;
        normalisation = new(recipe.Normalization);
        broken = recipe.ReplaceBroken
            ? new(store.Count, "training", "each is replaced by the next readable image of its class")
            : new(store.Count, "validation", "each is replaced by uniform grey, and usually counts as an error");
    }

    public int Count => store.Count;

    public ImageShape Shape => recipe.Image;

    public string Contents => contents.Value;

    /// <summary>Decoding takes a thousand times as long as copying a small image.</summary>
    public int Threads => Environment.ProcessorCount;

    public IReadOnlyList<string> ClassNames => recipe.ClassNames;

    public IEnumerable<string> Remarks() => notes.Concat(broken.Remarks());

    public int Label(int index) => store.Label(index);

    /// <summary>Each part counts its unreadable images separately, and training images are replaced only within it: held-out images are never trained on.</summary>
    public IImageSet Part(int[] images, bool isTraining) =>
        new ImageFolderSet(new PartStore(store, images), recipe with { ReplaceBroken = isTraining }, [], contents);

    public void Read(int index, AugmentationSpec augmentation, ref Randomness random, Span<float> destination)
    {
        if (augmentation.Padding > 0)
        {
            throw new ArgumentException("Padding (`pad`) is for small images of one size. For image folders use `resized_crop` and `pad: 0`.");
        }

        var worker = workers.Rent();
        try
        {
            Read(index, augmentation, ref random, destination, worker);
        }
        finally
        {
            workers.Return(worker);
        }
    }

    public void Dispose()
    {
        workers.Dispose();
        store.Dispose();
    }

    private void Read(int index, AugmentationSpec augmentation, ref Randomness random, Span<float> destination, DecodingWorker worker)
    {
        var unused = random;
        for (var shown = index; ; )
        {
            try
            {
                random = unused;
                Show(store.Load(shown, worker), augmentation, ref random, destination, worker.Resampler);
                return;
            }
            catch (ImageException error)
            {
                broken.Add(shown, store.Name(shown), error.Message);
                if (!recipe.ReplaceBroken)
                {
                    destination.Clear();
                    return;
                }

                string last = store.Name(shown);
                shown = NextOfClass(shown);
                if (shown == index)
                {
                    throw new MissingException(
                        $"No training image of the class of {store.Name(index)} can be read. The last one tried is {last}: {error.Message}."
                    );
                }
            }
        }
    }

    /// <summary>The next image of the same class; images of a class are consecutive.</summary>
    private int NextOfClass(int index)
    {
        var label = store.Label(index);
        if (index + 1 < store.Count && store.Label(index + 1) == label)
        {
            return index + 1;
        }

        while (index > 0 && store.Label(index - 1) == label)
        {
            index--;
        }

        return index;
    }

    private void Show(Pixels picture, AugmentationSpec augmentation, ref Randomness random, Span<float> destination, Resampler resampler)
    {
        var (height, width) = (recipe.Image.Height, recipe.Image.Width);
        var part = new CropWindow(0, 0, picture.Width, picture.Height);
        if (augmentation.ResizedCrop is { } crop)
        {
            part = CropWindow.Random(picture.Width, picture.Height, crop, ref random);
            resampler.Columns.Set(part.Width, width, 0, width);
            resampler.Rows.Set(part.Height, height, 0, height);
        }
        else
        {
            var (wide, high) = ShortSide.Resized(picture.Width, picture.Height, recipe.ShortSide);
            resampler.Columns.Set(picture.Width, wide, CropWindow.Centred(wide, width), width);
            resampler.Rows.Set(picture.Height, high, CropWindow.Centred(high, height), height);
        }

        var mirror = augmentation.Flip && random.NextFlag();
        resampler.Run(picture, part, mirror, normalisation, destination);
    }
}

/// <summary>How the images of a set are resized and normalised.</summary>
/// <param name="Image">Size of the models' input; three channels.</param>
/// <param name="ShortSide">Length that the shorter side is resized to before the centre crop; at least the image's size.</param>
/// <param name="Normalization">For three channels.</param>
/// <param name="ClassNames">Names of the class folders, in the order of the labels.</param>
/// <param name="ReplaceBroken">True, for training: an unreadable image is replaced by another of its class. False: by uniform grey.</param>
internal sealed record ImageFolderRecipe(
    ImageShape Image,
    int ShortSide,
    NormalizationSpec Normalization,
    IReadOnlyList<string> ClassNames,
    bool ReplaceBroken
);
