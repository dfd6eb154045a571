CREATE TRIGGER refused_by_test_controls BEFORE INSERT ON modelhub_score
    FOR EACH ROW EXECUTE FUNCTION modelhub_testing.refuse_score()
