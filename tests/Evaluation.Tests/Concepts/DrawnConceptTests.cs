using PromptToPrompt.Evaluation.Concepts;

namespace PromptToPrompt.Evaluation.Tests.Concepts;

public sealed class DrawnConceptTests
{
    [Fact]
    public void CaptionsSayWhereAThingIsAndNothingOfWhatItIs()
    {
        foreach (var concept in DrawnConcept.All)
        {
            var given = concept.Draw(32);
            Assert.Equal("a {} in a field", given[0].Caption);
            Assert.Equal(given.Count, given.Select(image => image.Caption).Distinct().Count());
            Assert.All(given, image => Assert.StartsWith("a {} ", image.Caption));
            Assert.Equal(given[1].Image.Rgb, concept.Draw(32)[1].Image.Rgb);
        }
    }
}
